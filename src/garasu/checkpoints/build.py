"""From a part's tensors to a network: every key and every shape accounted for, nothing copied that need not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from garasu.checkpoints import infer, names
from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.mapped import forget
from garasu.checkpoints.names import Config, PartName, Stored
from garasu.checkpoints.source import Part
from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.safety import SafetyChecker, SafetyConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig

Network = UNet | VAE | CLIPText | CLIPVision | SafetyChecker
Shapes = Mapping[str, tuple[int, ...]]

EIGHT_BITS = (torch.float8_e4m3fn, torch.float8_e5m2)
INITIALISATIONS = ("normal_", "uniform_", "fill_", "zero_", "kaiming_uniform_")
COMPUTABLE = (torch.float16, torch.bfloat16, torch.float32)


@dataclass(frozen=True)
class Form:
    """How weights lie in memory; ``layout`` is that of the convolutions'."""

    dtype: torch.dtype
    device: torch.device
    layout: torch.memory_format

    def of(self, stored: Tensor) -> Tensor:
        """A stored tensor in this form; the same memory where nothing changes."""
        layout = self.layout if stored.ndim == 4 else torch.contiguous_format
        same = stored.device == self.device and stored.dtype == self.dtype
        if same and stored.is_contiguous(memory_format=layout):
            return stored
        # In one step: what lies between two copies would leave holes in memory, a quarter of all weights in the end.
        made = torch.empty(stored.shape, dtype=self.dtype, device=self.device, memory_format=layout)
        return made.copy_(stored)


def build(
    name: PartName,
    part: Part,
    dtype: torch.dtype | None,
    device: torch.device,
    layout: torch.memory_format = torch.contiguous_format,
) -> Network:
    """The network that a part describes, with its weights.

    Weights that need no conversion stay windows onto the mapped file; the others are converted one at a time.

    Args:
        dtype: of all weights; None: what the file has (the widest, where it mixes).
        layout: of the convolutions' weights.

    Raises:
        CheckpointError: keys missing, left over or of the wrong shape, or weights that are not finite.
    """
    config = part_config(name, part)
    network = blank(config)
    places = account(name, network, config, part)
    form = Form(dtype or common_dtype(part.weights.values()), device, layout)
    state = _weights(name, part, places, form)
    network.load_state_dict(state, assign=True)
    return network.eval()


def blank(config: Config) -> Network:
    """A network without memory, whose weights are still to come."""
    with torch.device("meta"), Uninitialised():
        if isinstance(config, UNetConfig):
            return UNet(config)
        if isinstance(config, VAEConfig):
            return VAE(config)
        if isinstance(config, SafetyConfig):
            return SafetyChecker(config)
        return CLIPText(config) if isinstance(config, CLIPTextConfig) else CLIPVision(config)


class Uninitialised(TorchFunctionMode):
    """Leaves out the initialisation of weights that will be replaced.

    Not for its arithmetic, which the meta device skips anyway: one ``normal_`` there imports all of torch._dynamo,
    two seconds that a cold start cannot spare.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Return the tensor of an in-place initialisation as it is; let everything else pass."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in INITIALISATIONS:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def part_config(name: PartName, part: Part) -> Config:
    """The configuration of a part, without building it."""
    shapes = {key: tuple(tensor.shape) for key, tensor in part.weights.items()}
    return infer.config(name, part.layout, shapes, part.known, part.where)


def account(name: PartName, network: nn.Module, config: Config, part: Part) -> dict[str, Stored]:
    """Where each parameter lies in the file.

    Raises:
        CheckpointError: the file's keys and shapes are not exactly the network's.
    """
    table = names.table(config, part.layout)
    expected = {parameter: tuple(tensor.shape) for parameter, tensor in network.state_dict().items()}
    places = {parameter: names.stored(table, parameter) for parameter in expected}
    missing = {place.key for place in places.values()} - part.weights.keys()
    left = part.weights.keys() - {place.key for place in places.values()}
    wrong = _wrong_shapes(expected, places, part)
    problems = [
        f"{what} {listed(keys)}"
        for what, keys in (("missing", missing), ("left over", left), ("wrong shape", wrong))
        if keys
    ]
    if problems:
        raise CheckpointError(f"{part.where}: its weights are not those of a {name}: {'; '.join(problems)}.")
    return places


def common_dtype(tensors: Iterable[Tensor]) -> torch.dtype:
    """The narrowest type that a network can run in and that holds all of the tensors."""
    kinds = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    wide = {torch.float16 if kind in EIGHT_BITS else kind for kind in kinds}
    found = reduce(torch.promote_types, wide) if wide else torch.float32
    return found if found in COMPUTABLE else torch.float32


def view(tensor: Tensor, place: Stored) -> Tensor:
    """A file's tensor in the form of our parameter, sharing its memory."""
    if place.third is not None:
        tensor = tensor.chunk(3)[place.third]
    elif place.transposed:
        tensor = tensor.T
    return tensor.flatten(1) if place.pointwise and tensor.ndim == 4 else tensor


def _wrong_shapes(expected: Shapes, places: Mapping[str, Stored], part: Part) -> list[str]:
    found = []
    for parameter, place in places.items():
        if place.key not in part.weights:
            continue
        stored = tuple(part.weights[place.key].shape)
        if not stored or infer.shown(stored, place) != expected[parameter]:
            found.append(f"{place.key} {list(stored)} (as ours: {list(expected[parameter])})")
    return found


def _weights(name: PartName, part: Part, places: Mapping[str, Stored], form: Form) -> dict[str, Tensor]:
    state, broken = {}, []
    for parameter, place in places.items():
        stored = view(part.weights[place.key], place)
        state[parameter] = form.of(stored)
        if not _finite(state[parameter]):
            broken.append((place.key, _finite(stored.float())))
        if part.mapped and state[parameter].data_ptr() != stored.data_ptr():
            forget(stored)
    if too_large := [key for key, finite in broken if finite]:
        keys = listed(too_large)
        raise CheckpointError(
            f"{part.where}: weights of the {name} are too large for {form.dtype}: {keys}; ask for bfloat16."
        )
    if broken:
        keys = listed(key for key, _ in broken)
        raise CheckpointError(f"{part.where}: weights of the {name} are NaN or infinite: {keys}; get another copy.")
    return state


def _finite(tensor: Tensor) -> bool:
    """Whether all values are finite; the extremes show it in one pass and without a mask as large as the tensor."""
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)  # as channels_last lies: aminmax would copy what is not in order
    return all(bool(extreme.isfinite()) for extreme in tensor.aminmax())
