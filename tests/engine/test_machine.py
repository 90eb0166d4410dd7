from pathlib import Path

import pytest

from garasu.engine.machine import read_machine, read_quota, this_machine

BLOCK = """processor\t: {number}
vendor_id\t: {vendor}
model name\t: A CPU
physical id\t: 0
core id\t\t: {core}
flags\t\t: fpu {flags}
"""


def cpuinfo(cores: int, threads: int = 1, vendor: str = "GenuineIntel", flags: str = "") -> str:
    """Of a CPU whose cores run several threads each."""
    pairs = [(core, thread) for thread in range(threads) for core in range(cores)]
    return "\n".join(
        BLOCK.format(number=number, vendor=vendor, core=core, flags=flags) for number, (core, _) in enumerate(pairs)
    )


def test_threads_are_physical_cores() -> None:
    assert read_machine(cpuinfo(cores=4, threads=2), set(range(8)), None).threads == 4


def test_cores_that_we_may_not_use_do_not_count() -> None:
    assert read_machine(cpuinfo(cores=4, threads=2), {0, 1, 4}, None).threads == 2  # 0 and 4 share a core


@pytest.mark.parametrize(("quota", "threads"), [(0.5, 1), (1.5, 2), (2.0, 2), (64.0, 4)])
def test_a_container_grants_less(quota: float, threads: int) -> None:
    assert read_machine(cpuinfo(cores=4), set(range(4)), quota).threads == threads


def test_systems_that_say_nothing_have_the_cores_that_we_may_use() -> None:
    machine = read_machine("", {0, 1, 2}, None)
    assert (machine.threads, machine.bfloat16, machine.amd) == (3, False, False)


@pytest.mark.parametrize(
    ("flags", "bfloat16"), [("avx512f", False), ("avx512f avx512_bf16", True), ("amx_tile amx_bf16", True)]
)
def test_bfloat16_is_read_from_the_flags(flags: str, bfloat16: bool) -> None:
    assert read_machine(cpuinfo(1, flags=flags), {0}, None).bfloat16 == bfloat16


def test_the_vendor() -> None:
    assert read_machine(cpuinfo(1, vendor="AuthenticAMD"), {0}, None).amd


def test_quotas_of_both_versions_of_cgroups(tmp_path: Path) -> None:
    assert read_quota(tmp_path) is None
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("250000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert read_quota(tmp_path) == 2.5
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert read_quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert read_quota(tmp_path) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert read_quota(tmp_path) is None


def test_here() -> None:
    assert this_machine().threads >= 1
