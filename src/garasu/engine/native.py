"""The C kernels beside this file: built once by the machine's own C compiler, kept, and called through ctypes.

They are optional. Where there is no compiler, torch's own kernels compute the same.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from garasu.engine.machine import this_machine

SOURCES = Path(__file__).parent / "kernels"
FLAGS = ("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC")
BFLOAT16 = "-mavx512bf16"  # for a CPU that has it: a compiler too old to know it must fail, and not leave it out
PLAIN = (Tensor, nn.Parameter)
SECONDS = 60  # that a compiler may take


class NoKernelError(RuntimeError):
    """A kernel that cannot be had here; the message says why."""


@cache
def kernel(name: str) -> ctypes.CDLL:
    """The library of ``kernels/NAME.c``, built if this is the first time on this machine.

    Raises:
        NoKernelError: no compiler, or it fails.
    """
    source, compiler = SOURCES / f"{name}.c", find_compiler()
    library = kept_in() / f"{name}-{_fingerprint(source, compiler)}.so"
    if not library.exists():
        _build(source, compiler, library)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise NoKernelError(f"{library} cannot be loaded: {error}") from None


def find_compiler() -> str:
    """The path of $CC, else of cc, gcc or clang. Raises NoKernelError where there is none."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise NoKernelError(f"there is no C compiler ({' or '.join(names)})")
    return found


def kept_in() -> Path:
    """The folder where built kernels are kept: $XDG_CACHE_HOME/garasu/kernels, usually below ~/.cache."""
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / "garasu" / "kernels"


def _fingerprint(source: Path, compiler: str) -> str:
    """Of all that the built library depends on: a home folder may be shared by machines with other CPUs."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    chip = next((line for line in lines if line.startswith("flags")), platform.machine())
    parts = (source.read_text(), _version(compiler), " ".join(_flags()), chip)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _flags() -> tuple[str, ...]:
    return (*FLAGS, BFLOAT16) if multiplies(torch.bfloat16) else FLAGS


@cache
def _version(compiler: str) -> str:
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout


def _build(source: Path, compiler: str, library: Path) -> None:
    """Compile beside and rename: another process may be doing the same."""
    try:
        library.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            made = Path(folder) / library.name
            command = [compiler, *_flags(), "-o", str(made), str(source), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if "error" in line] or ["no reason given"]
                raise NoKernelError(f"{compiler} fails: {lines[0]}")
            made.replace(library)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoKernelError(f"it cannot be built: {error}") from None


def multiplies(dtype: torch.dtype) -> bool:
    """Whether kernels that multiply by AVX-512 have this number format on this CPU."""
    needed = {torch.float32: "avx512f", torch.bfloat16: "avx512_bf16"}
    return needed.get(dtype) in this_machine().flags


def takes(x: Tensor, *others: Tensor | None) -> bool:
    """Whether a kernel may be given these: of one dtype, on the CPU, plain, and nobody wants gradients or a recording.

    A subclass of Tensor (a fake or a quantised one) may have nothing where its data should be.
    """
    tensors = [x, *(one for one in others if one is not None)]
    if torch.is_grad_enabled() and any(one.requires_grad for one in tensors):
        return False
    if torch.is_autocast_enabled("cpu") or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return False
    return all(type(one) in PLAIN and one.device.type == "cpu" and one.dtype == x.dtype for one in tensors)


def pointer(tensor: Tensor) -> ctypes.c_void_p:
    """The place of a tensor's first value, as C takes it."""
    return ctypes.c_void_p(tensor.data_ptr())
