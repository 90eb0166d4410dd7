"""One network on the device at a time; the "device" here is torch's meta device, which holds no values."""

import torch
from torch import nn

from garasu.engine.offload import Residence, Visiting


class Traveller(nn.Module):
    """Writes down where it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def to(self, device):  # type: ignore[override]
        self.sent.append(str(device))
        return self

    def forward(self, x, t, context, guidance):
        return x, t, context


def test_who_comes_sends_the_other_away() -> None:
    residence, one, other = Residence(torch.device("cuda")), Traveller(), Traveller()
    for network in (one, one, other, one):
        residence.bring(network)
    assert one.sent == ["cuda", "cpu", "cuda"]
    assert other.sent == ["cuda", "cpu"]


def test_a_network_comes_when_it_is_called() -> None:
    residence, one, other = Residence(torch.device("cuda")), Traveller(), Traveller()
    visiting = Visiting(one, residence)
    assert visiting(1, 2, 3) == (1, 2, 3)
    residence.bring(other)
    visiting(1, 2, 3)
    assert one.sent == ["cuda", "cpu", "cuda"]
