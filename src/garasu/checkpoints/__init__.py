"""Reading and writing checkpoints of every layout, safely, with every key accounted for."""

from garasu.checkpoints.checkpoint import Checkpoint
from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.examine import XRay, xray
from garasu.checkpoints.reading import read, read_vae
from garasu.checkpoints.writing import write_file, write_folder, write_vae

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "XRay",
    "read",
    "read_vae",
    "write_file",
    "write_folder",
    "write_vae",
    "xray",
]
