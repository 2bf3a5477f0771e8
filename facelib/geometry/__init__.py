"""Torch and numba mathematics of faces in space: no files, no models.

Rooms: rotations, camera, rasterizer, normals, lighting, point_clouds.
"""
