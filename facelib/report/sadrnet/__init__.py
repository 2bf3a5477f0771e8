"""Pictures of paper 3, and what `facelib reconstruct` writes.

predictions            what networks predict on photographs, beside the truth
position_maps, skin_masks, gimbal_lock, mesh_loss   figures 3 and 4, 5, 8, 11
alignment_pictures, occlusion_pictures   figures 6 and 10: several networks on the same photographs
method_pictures        the drawings of its method notebook
error_curves           tables I and II as pictures; error_meshes: one face to turn, coloured by its errors
reconstruction_files, reconstruction_picture   what `facelib reconstruct` writes
"""
