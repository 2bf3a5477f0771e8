"""Losses, one idea per file: a function, plus a thin Module where there is state.

Rooms: margins (AdaFace), joint_entropy; moment_matching (MMD, CORAL), contrastive (NT-Xent, IMID, CMID), distillation;
position_maps (distances, edges, normals, the attention mask); photometric (colours, embeddings, skin), coefficients
(landmarks and the prior of a face model, light), asymmetric (of coefficients that are known); adversarial (AR-GAN),
head_pose (of labels, or landmarks on a cloud).
"""
