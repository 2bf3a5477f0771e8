"""What readers look at, floor 5; everything here reads records and trains nothing.

gallery    pictures of a notebook, new or as committed
style      house style and the tier label that every picture carries
records    the records of a tier
intervals  of measured rates and their differences, by drawing identities again
tables     ours beside the printed numbers; Markdown, CSV, LaTeX
verdicts   on what a paper claims; claims: the same as JSON, Markdown and picture
figures    which systems figures show, as far as runs exist
roc        figure 3: ROC curves by pose
interactive, interactive_picture   the same to play with
tsne       figure 4: t-SNE, and how well identities separate
attention, saliency   figure 5: what networks look at in pairs of images
pose_curves   tables I to III as pictures
manifest   pictures with their source data and a line on where they come from
views      a face mesh to turn, photographs in studio light, frames and landmarks
method_pictures   the drawings of paper 1's method notebook

Of paper 3:
meshes     faces as mesh files, to turn in a browser, and as shaded pictures
readings   what networks read off photographs, beside the truth; overlays: faces laid over photographs
position_maps, skin_masks, gimbal_lock, mesh_loss   figures 3 and 4, 5, 8, 11
alignment_pictures, occlusion_pictures   figures 6 and 10: several networks on the same photographs
sadrnet_pictures   the drawings of its method notebook
error_curves   tables I and II as pictures; error_meshes: one face to turn, coloured by its errors
reconstruction_files, reconstruction_picture   what `facelib reconstruct` writes
"""
