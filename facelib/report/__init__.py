"""What readers look at, floor 5; everything here reads records and trains nothing.

gallery     pictures of a notebook, new or as committed
style       house style and the tier label that every picture carries
records     the records of a tier
intervals   of measured rates and their differences, by drawing identities again
tables      ours beside the printed numbers; markup: as Markdown and LaTeX
verdicts    on what a paper claims; claims: the same as JSON, Markdown and picture; power: runs that would decide them
manifest    pictures with their source data and a line on where they come from
error_points   metrics of methods with their intervals; yaw_errors: over ranges of yaw
tsne        people in spaces of features; local_runs: runs whose scores and weights are here
cost        time and memory of the runs; training_curves: their losses and validation, epoch by epoch
learning_curve   what is watched against photographs learnt from
interactive_picture   a figure to play with, and the still picture of it
views       a face to turn, photographs in studio light, frames and landmarks
overlay     faces laid over photographs, in grids of pictures
meshes      faces as mesh files, to turn in a browser, and as shaded pictures
component_pictures   scans of faces, their range images and normal components
output_folder   which folders of users may be filled
speed       pictures of `facelib bench`

joint_attention   pictures of paper 1
normal_components pictures of paper 2
sadrnet           pictures of paper 3, and what `facelib reconstruct` writes
depth_adaptation  pictures of paper 4, and what `facelib reconstruct-depth` writes
msma              pictures of paper 5, and what `facelib fit` writes
"""
