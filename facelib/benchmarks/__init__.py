"""Ours against the library a user would pick instead, on the same input in one process.

Rooms: measure and memory (what a case is, how it is timed), run (all cases, or some by name), cases (the list);
rasterizing and differentiable (with deodr_scene, a peer of both), normal_maps, sampling, registration, surfaces,
scoring (with its peers and made scores), face_world, reconstruction and training_steps hold the cases, clouds the
point clouds of some. identification_stages has no peer: time and tensor_memory of what paper 2 measured.
"""
