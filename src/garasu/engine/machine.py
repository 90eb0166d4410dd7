"""What this machine's CPU can do and how much of it is ours, read from the system."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """A CPU and our share of it.

    ``flags``: what the CPU says that it can do, in Linux's words (empty elsewhere). ``cores``: physical cores that this
    process may run on. ``quota``: cores' worth of time that a container grants, None: all.
    """

    name: str
    vendor: str
    flags: frozenset[str]
    cores: int
    quota: float | None = None

    @property
    def bfloat16(self) -> bool:
        """Whether the CPU multiplies bfloat16 itself."""
        return bool({"avx512_bf16", "amx_bf16"} & self.flags)

    @property
    def amd(self) -> bool:
        """Whether AMD made it: there MKL, which multiplies torch's float32 matrices, leaves AVX-512 unused."""
        return self.vendor == "AuthenticAMD"

    @property
    def threads(self) -> int:
        """How many threads pay: one for each physical core, and no more than the container grants."""
        return max(1, min(self.cores, math.ceil(self.quota or self.cores)))


@cache
def this_machine() -> Machine:
    """The machine that this process runs on."""
    return read_machine(CPUINFO.read_text() if CPUINFO.is_file() else "", _allowed(), read_quota(CGROUP))


def read_machine(cpuinfo: str, allowed: set[int], quota: float | None) -> Machine:
    """A machine from the text of /proc/cpuinfo, the numbers of the CPUs that we may use, and our quota."""
    blocks = [_fields(block) for block in cpuinfo.strip().split("\n\n")] if cpuinfo.strip() else []
    first = blocks[0] if blocks else {}
    ours = [one for one in blocks if int(one.get("processor", -1)) in allowed]
    places = {(one["physical id"], one["core id"]) for one in ours if "core id" in one and "physical id" in one}
    return Machine(
        name=first.get("model name") or platform.processor() or platform.machine(),
        vendor=first.get("vendor_id", ""),
        flags=frozenset((first.get("flags") or first.get("Features") or "").split()),
        cores=len(places) or max(len(allowed), 1),  # virtual machines often hide which threads share a core
        quota=quota,
    )


def read_quota(cgroup: Path) -> float | None:
    """Cores' worth of time that a cgroup (version 2 or 1) grants this process; None: no limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return None if quota in ("max", "-1") else int(quota) / int(period)


def _allowed() -> set[int]:
    """The numbers of the CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
