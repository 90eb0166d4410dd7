"""When a recording may stand for the network. A real one needs a GPU; here what records is replaced."""

import pytest
import torch
from torch import Tensor, nn

from garasu.engine import graphs
from garasu.engine.graphs import MOST, Recorded
from garasu.panes import look


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        return self.inner(x)


class Replay:
    """What a graph does: the result of the inputs' places, whatever they hold now."""

    def __init__(self, run, places, out) -> None:
        self.run, self.places, self.out = run, places, out

    def replay(self) -> None:
        self.out.copy_(self.run(*self.places))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes that were recorded."""
    found: list[tuple[int, ...]] = []

    def record(self, given, weights):
        found.append(tuple(given[0].shape))
        places = tuple(one.clone() for one in given)
        out = self._run[0](*places)
        return graphs._Recording(Replay(self._run[0], places, out), places, out, weights)  # type: ignore[arg-type]

    monkeypatch.setattr(Recorded, "_record", record)
    return found


def call(network: nn.Module, rows: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))
    return x, network(x, torch.zeros(rows), torch.zeros(rows, 3))


@torch.no_grad()
def test_one_recording_a_shape_answers_every_call(made) -> None:
    network = Network()
    recorded = Recorded(network, network, graphs=True)
    answers = [call(recorded, seed=seed) for seed in range(3)]
    for x, y in answers:  # each answer its own: a later replay does not change an earlier one
        torch.testing.assert_close(y, network.inner(x))
    call(recorded, rows=3)
    assert made == [(2, 4), (3, 4)]


@torch.no_grad()
def test_weights_may_change_in_place_and_other_weights_are_recorded_anew(made) -> None:
    network = Network()
    recorded = Recorded(network, network, graphs=True)
    call(recorded)
    network.inner.weight.mul_(2)
    x, y = call(recorded)
    torch.testing.assert_close(y, network.inner(x))
    assert len(made) == 1
    kept = network.inner.weight  # alive, so that its place is not taken again
    network.inner.weight = nn.Parameter(torch.randn(4, 4))
    x, y = call(recorded)
    torch.testing.assert_close(y, network.inner(x))
    assert len(made) == 2
    assert kept.shape == (4, 4)


def test_looking_and_gradients_take_the_network_itself(made) -> None:
    network = Network()
    recorded = Recorded(network, lambda *_: pytest.fail("a recording calls no hooks"), graphs=True)
    for pattern in ("unet.inner", "unet"):
        seen: list[Tensor] = []
        with torch.no_grad(), look(recorded, {pattern: lambda value, at, to=seen: to.append(value)}):
            call(recorded)
        assert len(seen) == 1
    call(recorded)[1].sum().backward()
    assert network.inner.weight.grad is not None
    assert made == []


@torch.no_grad()
def test_only_some_recordings_are_kept(made) -> None:
    network = Network()
    recorded = Recorded(network, network, graphs=True)
    for rows in (*range(1, MOST + 2), 1, MOST + 1):
        call(recorded, rows=rows)
    assert [shape[0] for shape in made] == [*range(1, MOST + 2), 1]


@torch.no_grad()
def test_without_graphs_it_runs_what_it_was_given() -> None:
    network = Network()
    recorded = Recorded(network, lambda x, t, context: x + 1, graphs=False)
    x, y = call(recorded)
    assert torch.equal(y, x + 1)
