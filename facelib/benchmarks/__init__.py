"""Ours against the library a user would pick instead, on the same input in one process.

Rooms: measure (what a case is, how it is timed), run (all or one of them), rasterizing and sampling (the cases), cases (the list of all).
"""
