"""Torch and numba mathematics of faces in space: no files, no models.

Rooms: rotations, camera, rasterizer (with its kernels and its reference), normals, lighting, point_clouds; threads
shares a kernel among the cores.
"""
