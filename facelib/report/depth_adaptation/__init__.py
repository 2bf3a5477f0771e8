"""Pictures of paper 4, and what `facelib reconstruct-depth` writes.

material        what runs of this machine read off frames
depth_pictures  depth frames as lit surfaces, heads over them; turnable_cloud: a head in the points of its frame
sensor_statistics   the simulated sensor beside published measurements; sensor_frames: clean and sensed frames
region_picture  figure 4; sample_errors: figures 5 and 7; mesh_pictures: figures 6, 8 and 9
pose_sequence   a head over time beside the truth
adversarial_curves   D and G by training start; feature_spaces: both domains before and after
reconstruction_files   the folder of `facelib reconstruct-depth`; reconstruction_picture: its overlay
"""
