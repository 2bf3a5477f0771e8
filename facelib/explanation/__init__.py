"""Why is my number different? A user's predictions beside the truth, and the slips that everybody makes once.

tables      arrays of a CSV or npz file
slips       what a slip is; those of points and coefficients: axes, order, units, eigenvalues, a mean that is missing
pose_slips  those of angles: signs, order, units, first frames
protocols   what one calls the error of landmarks: whose box, which points
search      which slip, or which two, bring the numbers together
"""

from facelib.explanation.search import Explanation, explain
from facelib.explanation.tables import read_table

__all__ = ["Explanation", "explain", "read_table"]
