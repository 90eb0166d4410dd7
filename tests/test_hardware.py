from pathlib import Path

import pytest
import torch

from garasu.hardware import HardwareError, choose_device, choose_dtype, has_bfloat16

CPU = torch.device("cpu")


def test_auto_is_a_device_that_works():
    device = choose_device()
    assert torch.ones(1, device=device).item() == 1
    assert torch.ones(1, device=device, dtype=choose_dtype("auto", device)).item() == 1


def test_named_devices_that_are_not_there_are_refused():
    with pytest.raises(HardwareError, match="no kind of device 'gpu'"):
        choose_device("gpu")
    with pytest.raises(HardwareError, match="cuda:99 is not usable on this machine: use --device cpu or auto"):
        choose_device("cuda:99")


@pytest.mark.parametrize("name", ["bfloat16", "bf16", torch.bfloat16])
def test_a_dtype_goes_by_several_names(name):
    assert choose_dtype(name, CPU) == torch.bfloat16


@pytest.mark.parametrize("name", ["float64", "int8", torch.float64])
def test_other_dtypes_are_refused(name):
    with pytest.raises(HardwareError, match="use auto, float32"):
        choose_dtype(name, CPU)


def test_float16_is_for_gpus():
    with pytest.raises(HardwareError, match="float16 does not work on a CPU"):
        choose_dtype("fp16", CPU)
    assert choose_dtype("fp16", torch.device("cuda")) == torch.float16


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="asks Linux what the CPU can do")
def test_bfloat16_is_chosen_where_the_cpu_computes_it():
    flags = set(Path("/proc/cpuinfo").read_text().split())
    assert has_bfloat16(CPU) == bool(flags & {"avx512_bf16", "amx_bf16"})
    assert choose_dtype("auto", CPU) == (torch.bfloat16 if has_bfloat16(CPU) else torch.float32)
