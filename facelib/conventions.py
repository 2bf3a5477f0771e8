"""Axes, units, angles, landmark order and pose bins, said once for the whole package.

Units
    Lengths are millimetres, angles radians in code and degrees in tables, images float32 in [0, 1],
    channels first, RGB.

Frames (both right-handed)
    Face: x to the subject's left, y up, z out of the face.
    Camera: x right, y down, z forward. A frontal face seen by a camera is turned by FACE_TO_CAMERA.

Pixels
    The centre of the pixel in row i and column j lies at u = j + 0.5, v = i + 0.5; u runs right, v down.

Head pose
    R_head = R_y(yaw) R_x(-pitch) R_z(roll) acts on points of the face frame: roll is applied first, yaw last.
    Positive yaw turns the nose to the subject's left (right in the image), positive pitch looks up, positive
    roll lowers the head towards the subject's right shoulder (counter-clockwise in the image).
    Camera rotation R = FACE_TO_CAMERA R_head.

Surfaces
    Triangles are counter-clockwise seen from outside. Texture coordinates (u, v) lie in [0, 1] with the origin at
    the lower left, as in OBJ files.
"""

from __future__ import annotations

FACE_TO_CAMERA = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))

# iBUG 68: "right" and "left" are the subject's, so a group named right appears on the image's left.
LANDMARK_GROUPS: dict[str, range] = {
    "jaw": range(0, 17),  # from the subject's right ear over the chin to the left ear
    "right_brow": range(17, 22),  # outer end first
    "left_brow": range(22, 27),  # inner end first
    "nose_bridge": range(27, 31),  # top to tip
    "nostrils": range(31, 36),  # right to left
    "right_eye": range(36, 42),  # outer corner, upper lid, inner corner, lower lid
    "left_eye": range(42, 48),  # inner corner, upper lid, outer corner, lower lid
    "outer_lips": range(48, 60),  # right corner, over the upper lip, left corner, back below
    "inner_lips": range(60, 68),
}
LANDMARK_COUNT = 68
INNER_LANDMARKS = range(17, 68)  # all but the jaw line
OUTER_EYE_CORNERS = (36, 45)
NOSE_TIP = 30
MIRRORED_LANDMARKS = (  # which landmark of a face lies where each lies in its mirror image
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip

# Paper 1, table I: angle from frontal in degrees, half-open [low, high).
POSE_BINS: dict[str, tuple[float, float]] = {
    "0-10": (0.0, 10.0),
    "10-30": (10.0, 30.0),
    "30-60": (30.0, 60.0),
    "60-90": (60.0, 90.0),
    "90+": (90.0, 180.0 + 1e-6),
}
