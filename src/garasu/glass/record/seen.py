"""What hooks see while a step is computed: predictions, the words that entered, and chosen panes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from garasu.glass.record.attention import every_head, mean_weights
from garasu.glass.record.errors import RecordError
from garasu.glass.record.options import RecordOptions
from garasu.model import StableDiffusion
from garasu.networks.attention import Attention
from garasu.panes import At, Watcher, look, matching

WEIGHTS = ".weights"


@dataclass
class Seen:
    """Of one step, on the CPU: ``rows`` labels the rows of all tensors; ``eps`` [R, 4, h, w] and ``panes`` [R, …]."""

    rows: tuple[str, ...] = ()
    eps: list[Tensor] = field(default_factory=list)
    conditioning: list[Tensor] = field(default_factory=list)
    panes: dict[str, list[Tensor]] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Of predictions and panes."""
        return sum(one.nbytes for values in (self.eps, *self.panes.values()) for one in values)


class Eyes:
    """Looks into a model without changing what it computes.

    Attention weights are made a second time from queries and keys: to look through their own pane would have the
    network compute them another way, and round otherwise, so that the record were of another run.
    """

    def __init__(self, sd: StableDiffusion, options: RecordOptions) -> None:
        """Raises PaneError for a pattern that names nothing, RecordError for one that names more than the U-Net."""
        self._sd = sd
        self._dtype = getattr(torch, options.dtype)
        self._reduce = every_head if options.heads else mean_weights
        self.names = tuple(dict.fromkeys(name for one in options.patterns for name in _inside(sd, one)))
        self.now = Seen()
        self.open = True  # whether the coming step is to be seen
        self._scaled = torch.empty(0)
        self._queries: dict[str, Tensor] = {}
        self._looked = False

    @contextmanager
    def looking(self) -> Iterator[None]:
        """See every step that is computed inside."""
        plain = [name for name in self.names if not self._is_attention(name)]
        after: dict[str, Watcher] = {"unet.conv_out": self._prediction, "unet.conditioning": self._words}
        with ExitStack() as stack:  # one look for each kind, since both may be of the same name
            stack.enter_context(look(self._sd, after, before={"unet.conv_in": self._input}))
            stack.enter_context(look(self._sd, dict.fromkeys(plain, self._pane)))
            for name in self.names:
                if name not in plain:
                    stack.enter_context(look(self._sd, self._attention(name)))
            yield

    def taken(self) -> Seen:
        """What was seen since the last time. Raises RecordError if the first time a pane was not."""
        seen, self.now = self.now, Seen()
        silent = [name for name in self.names if name not in seen.panes]
        if seen.eps and silent and not self._looked:
            raise RecordError(f"nothing passes {silent[0]!r}: name the modules inside it (--record-panes)")
        self._looked = self._looked or bool(seen.eps)
        return seen

    def _is_attention(self, name: str) -> bool:
        parent = self._sd.get_submodule(name.rpartition(".")[0])
        return name.endswith(WEIGHTS) and isinstance(parent, Attention)

    def _attention(self, name: str) -> dict[str, Watcher]:
        parent = name.removesuffix(WEIGHTS)
        attention = self._sd.get_submodule(parent)
        assert isinstance(attention, Attention)

        def queries(value: Tensor, at: At) -> None:
            if self.open:
                self._queries[name] = value

        def keys(value: Tensor, at: At) -> None:
            if self.open:
                self._keep(name, self._reduce(self._queries.pop(name), value, attention.heads))

        return {f"{parent}.to_q": queries, f"{parent}.to_k": keys}

    def _pane(self, value: Tensor, at: At) -> None:
        if self.open:
            self._keep(at.name, value)

    def _keep(self, name: str, value: Tensor) -> None:
        self.now.panes.setdefault(name, []).append(value.detach().to("cpu", self._dtype, copy=True))

    def _words(self, value: Tensor, at: At) -> None:
        if self.open:
            self.now.rows += at.rows
            self.now.conditioning.append(value.detach().to("cpu", copy=True))

    def _input(self, value: Tensor, at: At) -> None:
        self._scaled = value.detach()[:, :4]  # without an inpainting model's mask and picture

    def _prediction(self, value: Tensor, at: At) -> None:
        """ε, of a network that predicts v made from it: ε = (v + σ·x/√(1+σ²)) / √(1+σ²)."""
        if not self.open or at.sigma is None:
            return
        eps = value.detach().to("cpu", torch.float32, copy=True)
        if self._sd.denoiser.prediction == "v_prediction":
            eps = (eps + at.sigma * self._scaled.to(eps)) / (1 + at.sigma**2) ** 0.5
        self.now.eps.append(eps)


def _inside(sd: StableDiffusion, pattern: str) -> list[str]:
    names = [name for name, module in matching(sd, pattern) if not isinstance(module, nn.ModuleList)]  # a mere list
    if not names:
        raise RecordError(f"nothing passes {pattern!r}: name the modules inside it")
    outside = next((name for name in names if not name.startswith("unet.")), None)
    if outside is not None:
        raise RecordError(f"{pattern!r} also names {outside!r}: a record keeps what is inside the U-Net, unet.…")
    return names
