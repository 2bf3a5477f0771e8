"""Python runs this at its start where this folder is on PYTHONPATH: the toy paper then stands among the papers."""

import sys
from pathlib import Path

import facelib.papers

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "runs"))  # of the toy task
facelib.papers.__path__.append(str(HERE))
facelib.papers.PAPERS = (*facelib.papers.PAPERS, "toy")
