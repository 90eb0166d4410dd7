"""Which device to compute on, in which number format, and what it is called."""

import platform
from pathlib import Path

import torch

DTYPES = {
    "float32": torch.float32,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "bf16": torch.bfloat16,
    "float16": torch.float16,
    "fp16": torch.float16,
}


class HardwareError(ValueError):
    """A device that is not there, or a number format that does not work on it."""


def choose_device(name: str | torch.device = "auto") -> torch.device:
    """ "auto" is CUDA where there is one, else Apple's MPS, else the CPU. Raises HardwareError for one not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise HardwareError(f"there is no kind of device {name!r}: use auto, cpu, cuda, cuda:1 or mps") from None
    usable = {"cpu": True, "mps": _has_mps(), "cuda": (device.index or 0) < torch.cuda.device_count()}
    if not usable.get(device.type, False):
        raise HardwareError(f"the device {name} is not usable on this machine: use --device cpu or auto")
    return device


def choose_dtype(name: str | torch.dtype, device: torch.device) -> torch.dtype:
    """ "auto" is bfloat16 where the hardware computes it, float16 on older GPUs, else float32.

    Raises HardwareError for an unknown name, and for float16 on a CPU, which computes it by emulation
    and where many operations do not exist.
    """
    if name == "auto":
        if has_bfloat16(device):
            return torch.bfloat16
        return torch.float16 if device.type == "cuda" else torch.float32
    dtype = name if isinstance(name, torch.dtype) else DTYPES.get(name)
    if dtype is None or dtype not in DTYPES.values():
        raise HardwareError(f"there is no number format {name!r} here: use auto, {', '.join(DTYPES)}")
    if dtype == torch.float16 and device.type == "cpu":
        raise HardwareError("float16 does not work on a CPU: use bfloat16, float32 or auto")
    return dtype


def has_bfloat16(device: torch.device) -> bool:
    """Whether the hardware computes bfloat16, rather than a slow emulation."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def processor(device: torch.device) -> str:
    """The name of what computes there, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor() or platform.machine()


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
