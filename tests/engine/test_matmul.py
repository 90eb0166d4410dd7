"""The kernel of matrix products against torch's products in float64."""

from copy import deepcopy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from garasu.engine.choices import choose
from garasu.engine.machine import Machine
from garasu.engine.matmul import NativeConv2d, NativeFeedForward, NativeLinear, pixels_product
from garasu.networks.blocks import FeedForward

HALF = torch.bfloat16
ROUNDING = {HALF: 4e-3, torch.float32: 2e-7}  # relative, of a result; bfloat16 keeps 8 bits
SUMMING = 1e-6  # relative to the sum of all absolute values, which does not cancel


@pytest.fixture(params=ROUNDING, ids=str, scope="module")
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


def check(found: Tensor, plain: nn.Module, x: Tensor) -> None:
    """Against the module in float64, value by value."""
    expected = plain(x.double())
    magnitude = deepcopy(plain)
    for one in magnitude.parameters():
        one.abs_()
    allowed = ROUNDING[found.dtype] * expected.abs() + SUMMING * magnitude(x.double().abs())
    assert found.shape == expected.shape
    assert ((found.double() - expected).abs() <= allowed).all()


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
    plain = doubled(layer, nn.Linear, wide, out, bias=bias)
    layer.__class__ = NativeLinear
    found = layer(x)
    assert found.dtype == dtype
    check(found, plain, x)


@given(
    size=st.tuples(st.integers(1, 3), st.integers(3, 11), st.integers(3, 11)),
    lines=st.sampled_from([1, 3, 41]),
    strips=st.integers(1, 7),
    kernel=st.sampled_from([1, 3]),
    options=st.fixed_dictionaries({"stride": st.integers(1, 2), "padding": st.integers(0, 1), "bias": st.booleans()}),
)
@settings(max_examples=60, deadline=None)
@torch.no_grad()
def test_convolution_is_torchs(  # noqa: PLR0917
    dtype: torch.dtype, size: tuple[int, int, int], lines: int, strips: int, kernel: int, options: dict[str, int]
) -> None:
    sizes = (32 * lines, 16 * strips, kernel)
    ours = nn.Conv2d(*sizes, **options).to(dtype).to(memory_format=torch.channels_last)
    x = torch.randn(size[0], sizes[0], *size[1:], dtype=dtype).contiguous(memory_format=torch.channels_last)
    plain = doubled(ours, nn.Conv2d, *sizes, **options)
    ours.__class__ = NativeConv2d
    found = ours(x)
    assert found.is_contiguous(memory_format=torch.channels_last)
    check(found, plain, x)


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
    ours, plain = geglu(1312, dtype)  # in parts, and more rows than are kept at a time
    x = torch.randn(2, 300, 1312, dtype=dtype) * spread
    assert error(ours(x), plain(x.double())) <= (1e-2 if dtype == HALF else 2e-6)


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
    found = pixels_product(x, weight, None, gated=True)
    expected = nn.functional.gelu(gates.double())
    assert torch.equal(found, found[:, :1].expand(-1, 16))
    assert ((found[:, 0].double() - expected).abs() <= ROUNDING[dtype] * expected.abs() + 1e-6).all()


def modules(dtype: torch.dtype) -> list[tuple[nn.Module, Tensor]]:
    """One of each kind, with many rows for it."""
    layer, conv = nn.Linear(1312, 336), nn.Conv2d(96, 80, 3, padding=1).to(memory_format=torch.channels_last)
    layer.__class__, conv.__class__ = NativeLinear, NativeConv2d
    pictures = torch.randn(9, 96, 11, 12, dtype=dtype).contiguous(memory_format=torch.channels_last)
    wide = torch.randn(1100, 1312, dtype=dtype)
    return [(layer.to(dtype), wide), (conv.to(dtype), pictures), (geglu(64, dtype)[0], wide[:, :64].clone())]


@torch.no_grad()
def test_rows_and_threads_change_no_bit(dtype: torch.dtype) -> None:
    before = torch.get_num_threads()
    try:
        for module, x in modules(dtype):
            torch.set_num_threads(before)
            whole = module(x)
            for threads in (1, 2, 3, 4, 8, 16, 24):
                torch.set_num_threads(threads)
                assert torch.equal(module(x), whole)
                for rows in (1, 7, 64, 513):
                    assert torch.equal(module(x[:rows]), whole[:rows])
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def test_the_kernel_is_what_computes(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[torch.Size] = []

    def counted(near: Tensor, *rest: object, **options: object) -> Tensor:
        calls.append(near.shape)
        return pixels_product(near, *rest, **options)

    monkeypatch.setattr("garasu.engine.matmul.pixels_product", counted)
    for (module, x), expected in zip(modules(dtype), (1, 1, 2), strict=True):
        module(x)
        assert len(calls) == expected
        calls.clear()


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
    assert error(ours(x), expected.double()) <= (1e-2 if dtype == HALF else 2e-6)
    assert seen == [(1, 4, 256)]
    with_hook.remove()
    assert torch.equal(ours(x), expected)


@pytest.mark.parametrize(("inputs", "outputs"), [(40, 32), (32, 24)])
@torch.no_grad()
def test_other_sizes_go_the_plain_way(inputs: int, outputs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("garasu.engine.matmul.pixels_product", None)  # would fail
    layer, conv = (kind.to(HALF) for kind in (nn.Linear(inputs, outputs), nn.Conv2d(inputs, outputs, 1)))
    pixels = torch.randn(1, inputs, 4, 4, dtype=HALF).contiguous(memory_format=torch.channels_last)
    for module, fast, x in ((layer, NativeLinear, pixels[0, :, 0].T), (conv, NativeConv2d, pixels)):
        expected = module(x)
        module.to(memory_format=torch.channels_last).__class__ = fast
        assert torch.equal(module(x), expected)


@torch.no_grad()
def test_unusual_shapes_are_torchs(dtype: torch.dtype) -> None:
    layer, conv = nn.Linear(32, 16, dtype=dtype), nn.Conv2d(32, 16, 3, padding=1, dtype=dtype)
    plain = [doubled(layer, nn.Linear, 32, 16), doubled(conv, nn.Conv2d, 32, 16, 3, padding=1)]
    layer.__class__, conv.__class__ = NativeLinear, NativeConv2d
    conv.to(memory_format=torch.channels_last)
    line = torch.randn(2, 32, 1, 9, dtype=dtype)
    wound = line.transpose(1, 3).contiguous().permute(0, 3, 2, 1)  # channels_last; of its height 1 any stride will do
    odd = wound.as_strided(wound.shape, (wound.stride(0), 1, 1, 32))
    for module, exact, x in (
        (layer, plain[0], torch.randn(32, dtype=dtype)),
        (layer, plain[0], torch.randn(0, 32, dtype=dtype)),
        (layer, plain[0], torch.randn(1, 32, dtype=dtype).expand(5, 32)),
        (conv, plain[1], torch.randn(32, 4, 5, dtype=dtype)),
        (conv, plain[1], torch.randn(0, 32, 4, 5, dtype=dtype).contiguous(memory_format=torch.channels_last)),
        (conv, plain[1], odd),
    ):
        check(module(x), exact, x)


@torch.no_grad()
def test_what_torch_refuses_is_refused(dtype: torch.dtype) -> None:
    layer, conv = nn.Linear(64, 32, dtype=dtype), nn.Conv2d(64, 32, 3, dtype=dtype)
    layer.__class__, conv.__class__ = NativeLinear, NativeConv2d
    conv.to(memory_format=torch.channels_last)
    for width in (32, 128):
        with pytest.raises(RuntimeError):
            layer(torch.randn(3, width, dtype=dtype))
        with pytest.raises(RuntimeError):
            conv(torch.randn(1, width, 5, 5, dtype=dtype).contiguous(memory_format=torch.channels_last))
        with pytest.raises(RuntimeError):
            geglu(64, dtype)[0](torch.randn(1, 3, width, dtype=dtype))
    layer.bias.data = layer.bias.data.double()
    with pytest.raises(RuntimeError):
        layer(torch.randn(3, 64, dtype=dtype))


@torch.no_grad()
def test_a_bias_may_lie_anyhow(dtype: torch.dtype) -> None:
    layer, x = nn.Linear(32, 16, dtype=dtype), torch.randn(3, 32, dtype=dtype)
    for bias in (torch.randn(32, dtype=dtype)[::2], torch.ones(1, dtype=dtype).expand(16)):
        layer.bias = nn.Parameter(bias)
        plain = doubled(layer, nn.Linear, 32, 16)
        layer.__class__ = NativeLinear
        check(layer(x), plain, x)


def test_gradients_of_the_bias_alone_are_kept(dtype: torch.dtype) -> None:
    for module, x in modules(dtype):
        for name, one in module.named_parameters():
            one.requires_grad_(name.endswith("bias"))
        module(x).sum().backward()
        assert all(one.grad is not None for name, one in module.named_parameters() if name.endswith("bias"))


@torch.no_grad()
def test_autocast_and_fake_tensors_are_torchs() -> None:
    layer = nn.Linear(32, 16)
    layer.__class__ = NativeLinear
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(2, 32)).dtype == HALF
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert layer(torch.empty(2, 32)).shape == (2, 16)


def test_gradients_and_other_number_formats_go_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("garasu.engine.matmul.pixels_product", None)
    for dtype in ROUNDING:
        ours, _ = geglu(32, dtype)
        ours(torch.randn(1, 4, 32, dtype=dtype)).sum().backward()
        assert ours.proj_in.weight.grad is not None
        assert ours.proj_in.weight.grad.abs().sum() > 0
    with torch.no_grad():
        ours.double()(torch.randn(1, 4, 32, dtype=torch.float64))
        old = Machine("An old CPU", "AuthenticAMD", frozenset({"avx512f"}), cores=2)
        monkeypatch.setattr("garasu.engine.native.this_machine", lambda: old)
        ours.bfloat16()(torch.randn(1, 4, 32, dtype=HALF))
