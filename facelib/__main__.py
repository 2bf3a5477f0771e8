"""`python -m facelib` is the `facelib` command."""

from facelib.cli import main

main()
