"""Networks, one file per network or backbone family.

Rooms: blocks (what several networks share); of images irnet, vgg, resnet, ghostfacenet, dream, sphereface; of clouds
pointnet2, dgcnn, pointcnn; of both joint_attention; coefficients and light of a photograph msma; coefficients of its
shape expnet and coefficient_diffusion, both on pooled_resnet (their sizes: reconstructor_settings).
"""
