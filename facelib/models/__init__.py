"""Networks, one file per network or backbone family.

Rooms: blocks (what several networks share), irnet, pointnet2, joint_attention.
"""
