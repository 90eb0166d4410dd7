"""Which of the ways to be faster this machine is good for, each with the reason."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch

from garasu.engine import linear
from garasu.engine.machine import Machine, this_machine
from garasu.engine.native import NoKernelError, kernel

PLAIN = "plain"
AUTO = "auto"


class EngineError(ValueError):
    """An engine that there is not, or that cannot do what was asked of it here."""


@dataclass(frozen=True)
class Choice:
    """One way to be faster, whether it is taken, and why."""

    name: str
    on: bool
    why: str

    def __str__(self) -> str:
        """As a line of a list."""
        return f"{'on ' if self.on else 'off'}  {self.name}: {self.why}"


@dataclass(frozen=True)
class Engine:
    """What was chosen for a model."""

    choices: tuple[Choice, ...]

    def has(self, name: str) -> bool:
        """Whether the choice of this name is on."""
        return any(one.on for one in self.choices if one.name == name)


def choose(
    engine: str, device: torch.device, dtype: torch.dtype, *, compile: bool = False, low_memory: bool = False
) -> Engine:
    """What pays for networks of this dtype on this device.

    Args:
        engine: "auto"; "plain" for the networks as they are written; or "auto-linear-attention", all but these.
        compile: let torch.compile make kernels of the U-Net's steps (a minute or more at first use).
        low_memory: keep on the GPU only the network that is computing.

    Raises:
        EngineError: a name that is not known, or compile or low_memory where they cannot be.
    """
    base, *without = engine.split("-")
    if base not in (AUTO, PLAIN) or (base == PLAIN and without):
        raise EngineError(f"there is no engine {engine!r}: use auto, plain, or auto without some parts, as auto-linear")
    if base == PLAIN and compile:
        raise EngineError("the plain engine compiles nothing: leave out one of engine plain and compile")
    if device.type != "cuda" and compile:
        raise EngineError(f"compiling makes kernels for CUDA: leave compile out on a {device.type}")
    if device.type != "cuda" and low_memory:
        raise EngineError("low_memory moves networks between a GPU and main memory: leave it out on a " + device.type)
    makers = _CPU if device.type == "cpu" else _CUDA if device.type == "cuda" else {}
    if unknown := [name for name in without if name not in makers]:
        near = difflib.get_close_matches(unknown[0], makers, n=1, cutoff=0.5)
        known = ", ".join(makers) or "nothing"
        hint = f" Did you mean {near[0]}?" if near else ""
        raise EngineError(f"the engine has no part {unknown[0]!r} on {device.type}: there are {known}.{hint}")
    left_out = {*makers} - {"low_memory"} if base == PLAIN else {*without}  # which is no matter of speed
    asked = _Asked(device, dtype, this_machine(), compile, low_memory, frozenset(left_out))
    return Engine(tuple(Choice(name, *_verdict(name, make, asked)) for name, make in makers.items()))


@dataclass(frozen=True)
class _Asked:
    """What a choice depends on."""

    device: torch.device
    dtype: torch.dtype
    machine: Machine
    compile: bool
    low_memory: bool
    left_out: frozenset[str]

    @property
    def half(self) -> bool:
        return self.dtype == torch.bfloat16


Verdict = tuple[bool, str]
Maker = Callable[[_Asked], Verdict]


def _verdict(name: str, make: Maker, asked: _Asked) -> Verdict:
    return (False, "left out, as asked") if name in asked.left_out else make(asked)


def _channels_last(_: _Asked) -> Verdict:
    return True, "convolutions read all channels of a pixel in one go"


def _attention(asked: _Asked) -> Verdict:
    flags = asked.machine.flags
    if "avx512f" not in flags or "avx512bw" not in flags:
        return False, "its kernel needs AVX-512, which this CPU lacks"
    if asked.half and "avx512_bf16" not in flags:
        return False, "its kernel needs AVX512-BF16 for bfloat16, which this CPU lacks"
    built, why = _built("attention")
    return built, why or "a kernel that keeps scores in the nearest caches"


def _chunked_attention(asked: _Asked) -> Verdict:
    if _verdict("attention", _attention, asked)[0]:
        return False, "the kernel of attention is faster"
    if not asked.half:
        return False, "torch's own attention is as fast in float32"
    if not asked.machine.bfloat16:
        return False, "this CPU does not multiply bfloat16 itself"
    return True, "rows of scores stay in the cache"


def _matmul(asked: _Asked) -> Verdict:
    flags = asked.machine.flags
    if asked.half and "avx512_bf16" not in flags:
        return False, "its kernel needs AVX512-BF16 for bfloat16, which this CPU lacks"
    if "avx512f" not in flags:
        return False, "its kernel needs AVX-512, which this CPU lacks"
    if asked.half and "amx_bf16" in flags:
        return False, "oneDNN multiplies by AMX on this CPU, which is faster"
    if not asked.half and not asked.machine.amd:
        return False, "MKL is as fast in float32 on CPUs that are not AMD's"
    built, why = _built("matmul")
    return built, why or "a kernel that fetches the next weights while it multiplies by these"


def _linear(asked: _Asked) -> Verdict:
    if _verdict("matmul", _matmul, asked)[0]:
        return False, "the kernel of matmul is faster"
    if not torch.backends.mkldnn.is_available():
        return False, "this build of torch has no oneDNN"
    if not asked.half and not asked.machine.amd:
        return False, "MKL is as fast in float32 on CPUs that are not AMD's"
    if not linear.works(asked.dtype):
        return False, "this build of torch lacks oneDNN's linear operation"
    return True, "oneDNN" + ("" if asked.half else ": MKL does not use AVX-512 on AMD's CPUs")


def _convolution(asked: _Asked) -> Verdict:
    if _verdict("matmul", _matmul, asked)[0]:
        return False, "the kernel of matmul is faster"
    if not (torch.backends.mkldnn.is_available() and linear.works(asked.dtype)):
        return False, "this build of torch lacks oneDNN's linear operation"
    return True, "as a matrix product where there are few pixels, which spares rearranging the weights"


def _group_norm(_: _Asked) -> Verdict:
    built, why = _built("norm")
    return built, why or "a kernel for channels_last, which spares two changes of layout"


def _cuda_graphs(asked: _Asked) -> Verdict:
    if asked.low_memory:
        return False, "networks move with low_memory, and a recording knows places"
    return True, "one launch a step in place of hundreds"


def _compiled(asked: _Asked) -> Verdict:
    if asked.compile and asked.low_memory:
        return False, "networks move with low_memory, and compiled code knows places"
    return asked.compile, "kernels made for this U-Net and size" if asked.compile else "not asked for: --compile"


def _low_memory(asked: _Asked) -> Verdict:
    return asked.low_memory, "one network on the GPU at a time" if asked.low_memory else "not asked for: --low-memory"


@cache
def _built(name: str) -> Verdict:
    try:
        kernel(name)
    except NoKernelError as error:
        return False, str(error)
    return True, ""


_CPU: dict[str, Maker] = {
    "channels_last": _channels_last,
    "attention": _attention,
    "chunked_attention": _chunked_attention,
    "matmul": _matmul,
    "linear": _linear,
    "convolution": _convolution,
    "group_norm": _group_norm,
}
_CUDA: dict[str, Maker] = {
    "channels_last": _channels_last,
    "cuda_graphs": _cuda_graphs,
    "compile": _compiled,
    "low_memory": _low_memory,
}
