"""Ours against the library a user would pick instead, on the same input in one process.

Rooms: measure (what a case is, how it is timed), rasterizing and sampling (the cases), cases (the list of all),
run (all of them, or one by name).
"""
