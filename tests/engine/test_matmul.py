"""The kernel of matrix products against torch's products in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from garasu.engine.choices import choose
from garasu.engine.machine import Machine
from garasu.engine.matmul import NativeConv2d, NativeFeedForward, NativeLinear, product
from garasu.networks.blocks import FeedForward

HALF = torch.bfloat16
ERRORS = {HALF: 4e-3, torch.float32: 2e-6}  # relative; bfloat16 keeps 8 bits


@pytest.fixture(params=ERRORS, ids=str, scope="module")
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    """Each number format that the kernel takes on this CPU."""
    if not choose("auto", torch.device("cpu"), request.param).has("matmul"):
        pytest.skip("no kernel for this CPU")
    return request.param


@pytest.fixture(autouse=True, scope="module")
def _one_seed() -> None:
    torch.manual_seed(0)


def error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).norm() / expected.norm())


def doubled(module: nn.Module, kind: type[nn.Module], *sizes: int, **options: object) -> nn.Module:
    """The same weights as a plain module in float64."""
    plain = kind(*sizes, **options).double()
    plain.load_state_dict({name: value.double() for name, value in module.state_dict().items()})
    return plain


@given(
    rows=st.lists(st.integers(1, 40), min_size=1, max_size=2),
    lines=st.integers(1, 90),
    strips=st.integers(1, 12),
    bias=st.booleans(),
    spaced=st.booleans(),
)
@settings(max_examples=60, deadline=None)
@torch.no_grad()
def test_linear_is_torchs(  # noqa: PLR0917
    dtype: torch.dtype, rows: list[int], lines: int, strips: int, bias: bool, spaced: bool
) -> None:
    wide, out = 32 * lines, 16 * strips
    layer = nn.Linear(wide, out, bias=bias, dtype=dtype)
    x = torch.randn(*rows, wide + 64 * spaced, dtype=dtype)[..., 3 * spaced :][..., :wide]
    expected = doubled(layer, nn.Linear, wide, out, bias=bias)(x.double())
    layer.__class__ = NativeLinear
    found = layer(x)
    assert found.shape == expected.shape
    assert found.dtype == dtype
    assert error(found, expected) <= ERRORS[dtype]


@given(
    size=st.tuples(st.integers(1, 3), st.integers(3, 11), st.integers(3, 11)),
    lines=st.sampled_from([1, 3, 41]),
    strips=st.integers(1, 7),
    kernel=st.sampled_from([1, 3]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
)
@settings(max_examples=60, deadline=None)
@torch.no_grad()
def test_convolution_is_torchs(  # noqa: PLR0917
    dtype: torch.dtype, size: tuple[int, int, int], lines: int, strips: int, kernel: int, stride: int, padding: int
) -> None:
    sizes, options = (32 * lines, 16 * strips, kernel), {"stride": stride, "padding": padding}
    ours = nn.Conv2d(*sizes, **options).to(dtype).to(memory_format=torch.channels_last)
    x = torch.randn(size[0], sizes[0], *size[1:], dtype=dtype).contiguous(memory_format=torch.channels_last)
    expected = doubled(ours, nn.Conv2d, *sizes, **options)(x.double())
    ours.__class__ = NativeConv2d
    found = ours(x)
    assert found.shape == expected.shape
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert error(found, expected) <= ERRORS[dtype]


def geglu(width: int, dtype: torch.dtype) -> tuple[FeedForward, nn.Module]:
    """Ours, and torch's in float64 with the same weights."""
    ours = FeedForward(width).to(dtype)
    plain = doubled(ours, FeedForward, width)
    ours.__class__ = NativeFeedForward
    for layer in (ours.proj_in, ours.proj_out):
        layer.__class__ = NativeLinear
    return ours, plain


@pytest.mark.parametrize("spread", [0.1, 1.0, 20.0])
@torch.no_grad()
def test_geglu_is_torchs(dtype: torch.dtype, spread: float) -> None:
    ours, plain = geglu(96, dtype)
    x = torch.randn(2, 37, 96, dtype=dtype) * spread
    assert error(ours(x), plain(x.double())) <= 2 * ERRORS[dtype]


@torch.no_grad()
def test_gelu_everywhere(dtype: torch.dtype) -> None:
    """One gate that sweeps from -12 to 12, beside a value of one."""
    gates = torch.linspace(-12, 12, 4001).to(dtype)
    x = torch.zeros(1, 1, 4001, 1, 1, 32, dtype=dtype)
    x[..., 0] = gates.view(1, 1, -1, 1, 1)
    x[..., 1] = 1
    weight = torch.zeros(32, 32, dtype=dtype)
    weight[:16, 1] = 1
    weight[16:, 0] = 1
    found = product(x, weight, None, gated=True)
    expected = nn.functional.gelu(gates.double())
    assert torch.equal(found, found[:, :1].expand(-1, 16))
    assert ((found[:, 0].double() - expected).abs() <= ERRORS[dtype] * expected.abs() + 1e-6).all()


@torch.no_grad()
def test_rows_and_threads_change_no_bit(dtype: torch.dtype) -> None:
    layer = nn.Linear(1312, 336, dtype=dtype)
    layer.__class__ = NativeLinear
    x = torch.randn(1100, 1312, dtype=dtype)
    before, whole = torch.get_num_threads(), layer(x)
    try:
        for threads in (1, 2, 3, 4, 8, 16, 24):
            torch.set_num_threads(threads)
            assert torch.equal(layer(x), whole)
            for rows in (1, 7, 64, 513):
                assert torch.equal(layer(x[:rows]), whole[:rows])
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def test_weights_changed_in_place_are_seen(dtype: torch.dtype) -> None:
    layer = nn.Linear(64, 32, dtype=dtype)
    layer.__class__ = NativeLinear
    x = torch.randn(3, 64, dtype=dtype)
    before = layer(x)
    layer.weight.data.mul_(2)
    layer.bias.data.mul_(2)
    assert torch.equal(layer(x), 2 * before)


@torch.no_grad()
def test_a_hook_on_the_hidden_layer_is_called(dtype: torch.dtype) -> None:
    ours, _ = geglu(32, dtype)
    x, seen = torch.randn(1, 4, 32, dtype=dtype), []
    expected = ours(x)
    with_hook = ours.proj_in.register_forward_hook(lambda _module, _given, out: seen.append(out.shape))
    assert error(ours(x), expected.double()) <= 2 * ERRORS[dtype]
    assert seen == [(1, 4, 256)]
    with_hook.remove()
    assert torch.equal(ours(x), expected)


@pytest.mark.parametrize(("inputs", "outputs"), [(40, 32), (32, 24)])
@torch.no_grad()
def test_other_sizes_go_the_plain_way(inputs: int, outputs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("garasu.engine.matmul.product", None)  # would fail
    for layer, x in (
        (nn.Linear(inputs, outputs, dtype=HALF), torch.randn(5, inputs, dtype=HALF)),
        (nn.Conv2d(inputs, outputs, 1, dtype=HALF), torch.randn(1, inputs, 4, 4, dtype=HALF)),
    ):
        expected = layer(x)
        layer.__class__ = NativeLinear if isinstance(layer, nn.Linear) else NativeConv2d
        assert torch.equal(layer(x), expected)


def test_gradients_and_other_number_formats_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("garasu.engine.matmul.product", None)
    for dtype in ERRORS:
        ours, _ = geglu(32, dtype)
        ours(torch.randn(1, 4, 32, dtype=dtype)).sum().backward()
        assert ours.proj_in.weight.grad is not None
        assert ours.proj_in.weight.grad.abs().sum() > 0
    with torch.no_grad():
        ours.double()(torch.randn(1, 4, 32, dtype=torch.float64))
        old = Machine("An old CPU", "AuthenticAMD", frozenset({"avx512f"}), cores=2)
        monkeypatch.setattr("garasu.engine.native.this_machine", lambda: old)
        ours.bfloat16()(torch.randn(1, 4, 32, dtype=HALF))
