"""Torch and numba mathematics of faces in space: no files, no models.

Where heads are: rotations, camera, alignment (similarities, paper 3's self-alignment; procrustes is its core),
orthographic_fit (a pose from places in an image), icp (with point_to_plane, its step).
How they look: rasterizer, supersampling, differentiable_rendering, lighting, visibility.
Surfaces: normals of meshes, nearest_on_surface, normal_components of range_images (without spikes), depth (of which
networks see a depth_view), cropping.
Maps: uv_maps (with cylindrical_uv, which lays one out, and uv_regions, which weights it).
Point clouds: point_clouds, neighbours, chamfer.

The folder kernels holds what makes them fast, rasterizer_reference the plain rasterizer that all others must equal;
threads shares a kernel among the cores.
"""
