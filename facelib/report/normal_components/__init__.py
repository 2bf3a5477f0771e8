"""Pictures of paper 2.

material     what runs of this machine give
pipeline     figure 1: from a photograph to embeddings, and from a scan; scans: figure 2
curves       ROC and CMC; feature_spaces: t-SNE of the three components
fidelity_curve   recognition by how faithful the faces are that were learnt from
gains        what fine-tuning gains, in points and relative to the baseline, as printed and as measured
error_sources    who is missed: by data set, expression, level and pose error
preparation_errors   how far the preparation of scans is off the truth
method_pictures   what its method notebook shows of normals, scanners and the preparation
learning_curve   held-out people against photographs learnt from
"""
