"""Paper 4: DASHapeNet and DAPoseNet, face and head pose from one depth frame by domain-adaptive learning.

settings    how domains are brought together
frames      what a step of training sees: labelled source frames, unlabelled target frames
shape_task  source only, and embeddings drawn together; generative_task: AR-GAN; pose_task: DAPoseNet's two stages
"""
