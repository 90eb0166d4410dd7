import pytest
import torch

from garasu.engine import choices
from garasu.engine.choices import EngineError, choose
from garasu.engine.machine import Machine, this_machine

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
ZEN = frozenset({"avx512f", "avx512bw", "avx512_bf16"})
HALF, FULL = torch.bfloat16, torch.float32


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch):
    """Names of what is chosen on a made-up CPU with a compiler."""

    def choose_on(flags: frozenset[str], vendor: str, dtype: torch.dtype, built: bool = True) -> set[str]:
        machine = Machine("A CPU", vendor, flags, cores=2)
        monkeypatch.setattr(choices, "this_machine", lambda: machine)
        monkeypatch.setattr(choices, "_built", lambda name: (built, "" if built else "there is no C compiler"))
        return {one.name for one in choose("auto", CPU, dtype).choices if one.on}

    return choose_on


def test_amd_with_bfloat16_takes_all(on) -> None:
    assert on(ZEN, "AuthenticAMD", HALF) == {"channels_last", "attention", "matmul", "group_norm"}
    assert on(ZEN, "AuthenticAMD", FULL) == {"channels_last", "attention", "matmul", "group_norm"}


def test_intel_keeps_mkl_in_float32(on) -> None:
    assert on(ZEN, "GenuineIntel", FULL) == {"channels_last", "attention", "convolution", "group_norm"}


def test_where_there_is_amx_onednn_multiplies(on) -> None:
    with_amx = on(ZEN | {"amx_bf16"}, "GenuineIntel", HALF)
    assert with_amx == {"channels_last", "attention", "linear", "convolution", "group_norm"}


def test_without_a_compiler_torch_does_it(on) -> None:
    assert on(ZEN, "AuthenticAMD", HALF, built=False) == {"channels_last", "chunked_attention", "linear", "convolution"}
    assert on(ZEN, "AuthenticAMD", FULL, built=False) == {"channels_last", "linear", "convolution"}


def test_an_old_cpu_gets_no_kernel_that_it_cannot_run(on) -> None:
    assert on(frozenset({"avx2"}), "AuthenticAMD", FULL) == {"channels_last", "linear", "convolution", "group_norm"}
    assert "attention" not in on(frozenset({"avx512f", "avx512bw"}), "GenuineIntel", HALF)


def test_every_choice_has_a_reason() -> None:
    for device in (CPU, CUDA):
        for one in choose("auto", device, HALF).choices:
            assert one.why
            assert str(one) == f"{'on ' if one.on else 'off'}  {one.name}: {one.why}"


def test_plain_takes_none_and_parts_can_be_left_out() -> None:
    assert not any(one.on for one in choose("plain", CPU, HALF).choices)
    less = choose("auto-channels_last-linear", CPU, HALF)
    assert choose("auto-attention", CPU, HALF).has("chunked_attention") == this_machine().bfloat16  # the next best
    assert choose("auto-matmul", CPU, HALF).has("convolution")
    assert not less.has("channels_last")
    assert not less.has("linear")
    assert less.has("attention") == choose("auto", CPU, HALF).has("attention")


def test_cuda() -> None:
    assert choose("auto", CUDA, HALF).has("cuda_graphs")
    assert not choose("auto", CUDA, HALF).has("compile")
    assert choose("auto", CUDA, HALF, compile=True).has("compile")
    low = choose("auto", CUDA, HALF, compile=True, low_memory=True)
    assert [low.has(name) for name in ("low_memory", "cuda_graphs", "compile")] == [True, False, False]
    assert choose("plain", CUDA, HALF, low_memory=True).has("low_memory")


def test_mps_takes_the_networks_as_they_are() -> None:
    assert choose("auto", MPS, HALF).choices == ()


@pytest.mark.parametrize(
    ("engine", "device", "keywords", "sentence"),
    [
        ("fast", CPU, {}, "there is no engine 'fast': use auto, plain, or auto without some parts, as auto-linear"),
        ("plain-linear", CPU, {}, "there is no engine 'plain-linear'"),
        ("auto-liner", CPU, {}, "Did you mean linear?"),
        (
            "auto-linear",
            CUDA,
            {},
            "the engine has no part 'linear' on cuda: there are channels_last, cuda_graphs",
        ),
        ("plain", CUDA, {"compile": True}, "leave out one of engine plain and compile"),
        ("auto", CPU, {"low_memory": True}, "leave it out on a cpu"),
        ("auto", CPU, {"compile": True}, "leave compile out on a cpu"),
    ],
)
def test_what_cannot_be_is_refused(engine, device, keywords, sentence) -> None:
    with pytest.raises(EngineError, match=sentence.replace("?", r"\?")):
        choose(engine, device, HALF, **keywords)
