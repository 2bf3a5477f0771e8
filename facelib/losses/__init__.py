"""Losses, one idea per file: a function, plus a thin Module where there is state.

Rooms: margins (AdaFace), joint_entropy.
"""
