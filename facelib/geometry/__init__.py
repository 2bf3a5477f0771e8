"""Torch and numba mathematics of faces in space: no files, no models.

Where heads are: rotations, camera, alignment (similarities, paper 3's self-alignment; procrustes is its core), icp.
How they look: rasterizer, supersampling, differentiable_rendering, lighting, texture, visibility.
Surfaces: normals of meshes, normal_components of range_images, depth, cropping.
Maps: uv_maps (with cylindrical_uv, which lays one out, and uv_regions, which weights it).
Point clouds: point_clouds, neighbours, chamfer.

What is fast on the CPU stands beside what it computes, under the same name with `_kernels`, `_lanes` or `_gradients`,
as a ball_grid, or as the search_tree; rasterizer_triton is the CUDA kernel, rasterizer_reference what both must equal.
threads shares a kernel among the cores.
"""
