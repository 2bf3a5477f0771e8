"""Pictures of paper 5: what `facelib fit` writes.

fit_files              the folder; fit_pictures: the face over its photograph, in other light, and turned
"""
