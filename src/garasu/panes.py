"""Panes of glass: see or change any named value inside a model, and nothing else.

One door for everything that looks inside::

    with look(sd, {"unet.*.cross_attention.weights": fn}):      # outputs
    with look(sd, before={"unet.*.cross_attention.to_k": fn}):  # inputs

A name is a module path; ``*`` stands for any characters, dots included. ``fn(value, at)`` returns ``None`` to
watch or a tensor to replace the value. It rests on PyTorch's forward hooks, so it costs nothing when unused.
While one thread looks into a model, no other may look into it or run it.
"""

from __future__ import annotations

import difflib
import fnmatch
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

Watcher = Callable[[Tensor, "At"], Tensor | None]


class PaneError(ValueError):
    """A look that cannot work: no such name, never fired, or another thread owns the model."""


class Pane(nn.Module):
    """An identity module that gives a name to a value which is no module's output (attention weights, x0, …).

    Shape: any → the same.
    """

    def forward(self, value: Tensor) -> Tensor:
        """Return ``value`` unchanged."""
        return value

    @property
    def watched(self) -> bool:
        """Whether somebody looks through this pane now (then the value must really be computed)."""
        return bool(self._forward_hooks or self._forward_pre_hooks)


@dataclass(frozen=True)
class At:
    """Where a value was met.

    ``name``: the module path that matched; ``given``: the module's tensor inputs; ``step``: index of the denoiser
    evaluation, counted from 0; ``sigma``: the noise level; ``rows``: a label for each batch row ("negative 0",
    "prompt 0", …); ``grid``: (H, W) of the latent. The last four are ``None`` or empty outside a sampling loop.
    """

    name: str
    given: tuple[Tensor, ...] = ()
    step: int | None = None
    sigma: float | None = None
    rows: tuple[str, ...] = ()
    grid: tuple[int, int] | None = None


@dataclass
class _Thread(threading.local):
    """What this thread's sampling loop last said about where it is (At's last four fields)."""

    now: At = field(default_factory=lambda: At(""))


_thread = _Thread()
_owners: dict[nn.Module, tuple[int, int]] = {}  # module -> (thread, how many looks are open on it or above it)
_owners_lock = threading.Lock()


@contextmanager
def moment(
    *,
    step: int | None = None,
    sigma: float | None = None,
    rows: tuple[str, ...] | None = None,
    grid: tuple[int, int] | None = None,
) -> Iterator[None]:
    """Say where the loop is, for every pane that fires inside; what is not given keeps its outer value."""
    outer = _thread.now
    said = {"step": step, "sigma": sigma, "rows": rows, "grid": grid}
    _thread.now = replace(outer, **{key: value for key, value in said.items() if value is not None})  # type: ignore[arg-type]
    try:
        yield
    finally:
        _thread.now = outer


@contextmanager
def look(
    root: nn.Module, after: Mapping[str, Watcher] | None = None, *, before: Mapping[str, Watcher] | None = None
) -> Iterator[None]:
    """See or change values inside ``root`` while the block runs.

    Args:
        root: the module whose paths the patterns match, usually the whole model.
        after: pattern → watcher of module outputs.
        before: pattern → watcher of module inputs (the first positional one).

    Raises:
        PaneError: a pattern matches no module (near names are listed); a watcher never fired, or returned what
            cannot stand for the value; another thread has a look open on this model or a part of it, or runs it.
    """
    looks = [_Look(pattern, fn, False) for pattern, fn in (after or {}).items()]
    looks += [_Look(pattern, fn, True) for pattern, fn in (before or {}).items()]
    found = [(one, matching(root, one.pattern)) for one in looks]
    with ExitStack() as stack:
        stack.enter_context(_owned(root))
        stack.enter_context(eagerly())
        for one, modules in found:
            for name, module in modules:
                stack.callback(one.attach(name, module).remove)
        yield
    _check_fired(looks)


@contextmanager
def eagerly() -> Iterator[None]:
    """Run compiled modules as they are written: hooks added after compiling never fire in the graph (torch 2.13)."""
    if "torch._dynamo" not in sys.modules:  # while the compiler is not even imported, nothing is compiled
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


@dataclass
class _Look:
    """One pattern with its watcher; counts how often it fired."""

    pattern: str
    fn: Watcher
    on_input: bool
    fired: int = 0
    thread: int = field(default_factory=threading.get_ident)

    def attach(self, name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        """Hook ``module``; the handle removes it."""
        if self.on_input:
            return module.register_forward_pre_hook(lambda _, given: self._before(name, given))
        return module.register_forward_hook(lambda _, given, value: self._see(name, given, value))

    def _before(self, name: str, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if not given:
            raise PaneError(f"{name} is called with keywords only, so it has no first input; look at its output.")
        changed = self._see(name, given, given[0])
        return None if changed is None else (changed, *given[1:])

    def _see(self, name: str, given: tuple[Any, ...], value: Any) -> Tensor | None:
        if threading.get_ident() != self.thread:
            raise PaneError("Another thread is looking into this model; wait for it or load a second model.")
        if not isinstance(value, Tensor):
            raise PaneError(f"{name} passes no single tensor; look at the modules inside it instead.")
        self.fired += 1
        at = replace(_thread.now, name=name, given=tuple(one for one in given if isinstance(one, Tensor)))
        changed = self.fn(value, at)
        return None if changed is None else _standing_for(value, changed, name)


def _standing_for(value: Tensor, changed: Any, name: str) -> Tensor:
    """What a watcher returned, on the value's device and in its dtype; anything but such a tensor is an error."""
    if not isinstance(changed, Tensor):
        raise PaneError(f"{name}: a watcher returned {changed!r}; return None to watch, a tensor to replace.")
    if changed.shape != value.shape:
        raise PaneError(
            f"{name}: a watcher returned shape {tuple(changed.shape)} for {tuple(value.shape)}; keep the shape."
        )
    return changed.to(value)


def matching(root: nn.Module, pattern: str) -> list[tuple[str, nn.Module]]:
    """Every (path, module) below ``root`` that the pattern names.

    Raises:
        PaneError: there is none; the message lists near names.
    """
    # torch.compile(module) wraps: its path is the wrapped module's, which comes later and takes its place here.
    modules = {_without_wrapper(name): module for name, module in root.named_modules()}
    found = [(name, module) for name, module in modules.items() if fnmatch.fnmatchcase(name, pattern)]
    if found:
        return found
    near = difflib.get_close_matches(pattern, modules, n=3, cutoff=0.4)
    hint = f" Near names: {', '.join(near)}." if near else ""
    raise PaneError(f"No module is named {pattern!r}.{hint}")


def _without_wrapper(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def _check_fired(looks: list[_Look]) -> None:
    """A look that never fired shows nothing, which a reader would take for an answer: refuse."""
    silent = [one.pattern for one in looks if not one.fired]
    if silent:
        raise PaneError(
            f"Nothing passed {', '.join(map(repr, silent))} while it was looked at; run the model inside the block."
        )


@contextmanager
def _owned(root: nn.Module) -> Iterator[None]:
    """One thread at a time may look into a model or any part of it: hooks of two would see each other's values."""
    me, parts = threading.get_ident(), list(root.modules())
    with _owners_lock:
        if any(_owners.get(part, (me, 0))[0] != me for part in parts):
            raise PaneError("Another thread is looking into this model; wait for it or load a second model.")
        for part in parts:
            _owners[part] = (me, _owners.get(part, (me, 0))[1] + 1)
    try:
        yield
    finally:
        with _owners_lock:
            for part in parts:
                owner, depth = _owners.pop(part)
                if depth > 1:
                    _owners[part] = (owner, depth - 1)


class Recording:
    """A watcher that keeps what it sees: detached, reduced in the hook, on the CPU.

    ``reduce`` shrinks each value before it is kept; without one a value over ``limit`` bytes is refused, since a
    single top-level self-attention map of a 512×512 picture is 1 GiB.
    """

    def __init__(self, reduce: Callable[[Tensor], Tensor] | None = None, *, limit: int = 64 << 20) -> None:
        self.reduce = reduce
        self.limit = limit
        self.values: list[tuple[At, Tensor]] = []

    def __call__(self, value: Tensor, at: At) -> None:
        """Keep one value."""
        kept = value.detach()
        if self.reduce is not None:
            kept = self.reduce(kept)
        size = kept.numel() * kept.element_size()
        if size > self.limit:
            raise PaneError(
                f"{at.name}: one value takes {size / 2**20:.0f} MiB, over the limit of {self.limit / 2**20:.0f}; "
                "give Recording a reduce function (for example an average over heads) or a higher limit."
            )
        # A copy even on the CPU: the network may go on with the same memory. Inputs are dropped, they may be large.
        self.values.append((replace(at, given=()), kept.to("cpu", copy=True)))
