"""What makes geometry fast: numba kernels for the CPU, a Triton kernel for CUDA, and the structures they search.

Each file serves the file of the same name one floor up (rasterizer_lanes, rasterizer_triton and rendering_gradients
the rasterizer, ball_grid the ball query, search_tree nearest neighbours and ICP), which checks its input and says what
is computed; the plain torch references stand there, the rasterizer's in rasterizer_reference.
"""
