"""A reproducible companion to five papers on faces: models, losses, data and metrics in PyTorch."""

__version__ = "0.1.0"
