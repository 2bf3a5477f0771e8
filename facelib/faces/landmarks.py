"""The 68 landmarks (iBUG order, see `conventions.LANDMARK_GROUPS`) as vertices of Anny's head.

Each index was chosen on the mean head: on the named contour, where it is a corner, a tip or an even step between
two of them. Left ones mirror the right ones. Tests hold their order against the head's geometry, and their places
against a predictor that was trained on photographs.
"""

from __future__ import annotations

ANNY_VERTICES: tuple[int, ...] = (
    *(1757, 269, 1559, 1597, 1595, 1653, 1650, 1647, 1651, 3702, 3705, 3707, 3653, 3655, 3619, 2408, 3805),  # jaw
    *(254, 225, 204, 205, 209),  # right brow
    *(2354, 2350, 2349, 2369, 2393),  # left brow
    *(132, 131, 164, 294),  # bridge of the nose to its tip
    *(325, 313, 317, 2446, 2457),  # nostrils
    *(2151, 0, 54, 2134, 1007, 1004),  # right eye
    *(4180, 2208, 2154, 4197, 3072, 3075),  # left eye
    *(428, 1707, 460, 467, 2589, 3758, 2558, 2609, 2611, 492, 486, 484),  # outer lips
    *(438, 472, 474, 2598, 2568, 2612, 493, 487),  # inner lips
)

MIRRORED: tuple[int, ...] = (
    *(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
    *(26, 25, 24, 23, 22, 21, 20, 19, 18, 17),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""The landmark that takes a landmark's place when the face is mirrored left to right."""
