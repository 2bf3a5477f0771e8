"""Python runs this at its start where this folder is on PYTHONPATH: the toy papers then stand among the papers."""

from pathlib import Path

import facelib.papers

facelib.papers.__path__.append(str(Path(__file__).parent))
facelib.papers.PAPERS = (*facelib.papers.PAPERS, "toy", "slow_toy")
