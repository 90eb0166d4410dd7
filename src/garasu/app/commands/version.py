"""garasu version: what runs here. Say this in a bug report."""

import platform
from importlib.metadata import version

import torch

from garasu.hardware import choose_device, choose_dtype


def show_version() -> int:
    """Print the versions of garasu and what it runs on."""
    device = choose_device()
    print(f"garasu {version('garasu')}")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {platform.platform()}")
    print(f"computes on {device} in {str(choose_dtype('auto', device)).removeprefix('torch.')}")
    return 0
