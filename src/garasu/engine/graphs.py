"""A U-Net's call recorded once as a CUDA graph, and then launched whole: a step is several hundred small launches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Call = Callable[..., Tensor]  # of x, t, context, and a distilled network's guidance scale
Places = tuple[int, ...]

MOST = 4  # recordings kept: each holds the memory of a call
WARM_UPS = 2  # before recording: libraries choose kernels and take their workspaces in the first calls


@dataclass(frozen=True)
class _Recording:
    """A graph with the tensors that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    given: tuple[Tensor, ...]
    out: Tensor
    weights: Places  # where the weights lay when it was recorded

    def replay(self, given: tuple[Tensor, ...]) -> Tensor:
        for place, value in zip(self.given, given, strict=True):
            place.copy_(value)
        self.graph.replay()
        return self.out.clone()


class Recorded(nn.Module):
    """Runs a U-Net by ``run`` (itself, or compiled), recorded for each shape where ``graphs`` says so.

    Whoever looks inside, or wants gradients, gets the U-Net as it is written: neither a recording nor compiled code
    calls hooks.
    """

    def __init__(self, unet: nn.Module, run: Call, *, graphs: bool) -> None:
        super().__init__()
        self.unet = unet
        self._run = [run]  # in a list: a compiled network is a module, and would be listed as one
        self._graphs = graphs
        self._recordings: OrderedDict[object, _Recording] = OrderedDict()

    def forward(self, x: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None = None) -> Tensor:
        """As UNet."""
        given = (x, t, context) if guidance is None else (x, t, context, guidance)
        if torch.is_grad_enabled() or looked_into(self.unet):
            answer: Tensor = self.unet(*given)
            return answer
        return self._recording(*given).replay(given) if self._graphs else self._run[0](*given)

    def _recording(self, *given: Tensor) -> _Recording:
        key = tuple((one.shape, one.dtype) for one in given)
        weights = tuple(one.data_ptr() for one in self.unet.parameters())
        found = self._recordings.get(key)
        if found is None or found.weights != weights:
            self._recordings.pop(key, None)
            while len(self._recordings) >= MOST:
                self._recordings.popitem(last=False)
            found = self._recordings[key] = self._record(given, weights)
        self._recordings.move_to_end(key)
        return found

    def _record(self, given: tuple[Tensor, ...], weights: Places) -> _Recording:
        places = tuple(one.clone() for one in given)
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside), torch.backends.cudnn.flags(enabled=True, benchmark=True):
            for _ in range(WARM_UPS):
                self._run[0](*places)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = self._run[0](*places)
        return _Recording(graph, places, out, weights)


def looked_into(network: nn.Module) -> bool:
    """Whether a hook hangs on the network or on any module inside."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
