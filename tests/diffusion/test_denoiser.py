import diffusers
import pytest
import torch
from diffusers.training_utils import compute_snr
from tests.diffusion import peers
from torch import nn

from garasu.diffusion import Denoiser, SamplingError, Schedule
from garasu.panes import look

SCHEDULE = Schedule.scaled_linear()
CONTEXT = torch.zeros(3, 2, 5)
PREDICTIONS = ("epsilon", "v_prediction")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Recorder(nn.Module):
    """A network in a dtype of its own that keeps what it is asked and answers with ``out``, or with half its input."""

    def __init__(self, dtype: torch.dtype = torch.float32, out: torch.Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones((), dtype=dtype))
        self.out = out

    def forward(self, x, t, context):
        self.asked = (x, t, context)
        return x * self.weight / 2 if self.out is None else self.out


def perfect_epsilon(x, t, context):
    """E[noise | x] for data N(0, 1): √(1−ᾱ)·x."""
    return (1 - SCHEDULE.alphas_cumprod[t.long()]).sqrt().reshape(-1, 1, 1, 1) * x


def perfect_velocity(x, t, context):
    """E[v | x] for data N(0, 1) is 0: signal and noise point the same way."""
    return torch.zeros_like(x)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_perfect_network_for_gaussian_data_gives_the_closed_form(prediction):
    network = perfect_epsilon if prediction == "epsilon" else perfect_velocity
    denoiser = Denoiser(network, SCHEDULE, prediction)
    x, sigma = normal(3, 4, 5, 6).double() * 5, SCHEDULE.sigmas[torch.tensor([0, 400, 999])]
    expected = x / (1 + sigma.reshape(-1, 1, 1, 1) ** 2)
    assert torch.allclose(denoiser(x, sigma, CONTEXT), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_x0_equals_what_diffusers_derives(prediction):
    scheduler = peers.scheduler("ddim", None, 50, prediction)
    x = normal(3, 4, 5, 6)  # unit variance
    for t in (1, 481, 981):
        out = peers.network(x, torch.tensor([float(t)]))
        expected = scheduler.step(out, t, x).pred_original_sample
        sigma = SCHEDULE.sigmas[t]
        got = Denoiser(peers.network, SCHEDULE, prediction)(x * (1 + sigma**2).sqrt().float(), sigma, CONTEXT)
        assert torch.allclose(got, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_rows_at_their_own_levels_equal_rows_alone(prediction):
    denoiser = Denoiser(peers.network, SCHEDULE, prediction)
    x, sigma = normal(3, 4, 5, 6), torch.tensor([0.1, 1.0, 9.0])
    together = denoiser(x, sigma, CONTEXT)
    for row in range(3):
        alone = denoiser(x[row : row + 1], sigma[row], CONTEXT[:1])
        assert torch.allclose(together[row : row + 1], alone, atol=1e-6)


def test_the_network_is_asked_in_its_own_dtype_with_unit_variance_and_exact_timesteps():
    network = Recorder(torch.bfloat16)
    x0 = Denoiser(network, SCHEDULE)(normal(3, 4, 64, 64) * 8.0, SCHEDULE.sigmas[[0, 500, 999]], CONTEXT)
    x, t, context = network.asked
    assert (x.dtype, context.dtype, x0.dtype) == (torch.bfloat16, torch.bfloat16, torch.float32)
    assert t.tolist() == [0, 500, 999]
    assert t.dtype == torch.float32
    expected = [8 * float(SCHEDULE.alphas_cumprod[i]) ** 0.5 for i in (0, 500, 999)]
    assert x.float().std(dim=(1, 2, 3)).tolist() == pytest.approx(expected, rel=0.03)


def test_x0_can_be_seen_and_changed_through_its_pane():
    denoiser = Denoiser(Recorder(), SCHEDULE)
    seen = []
    x, sigma = normal(3, 4, 5, 6), torch.tensor(2.0)
    with look(denoiser, {"x0": lambda value, at: seen.append(value) or torch.zeros_like(value)}):
        assert torch.equal(denoiser(x, sigma, CONTEXT), torch.zeros_like(x))
    assert torch.equal(seen[0], denoiser(x, sigma, CONTEXT))


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_input_and_target_of_the_loss_equal_diffusers(prediction):
    scheduler = diffusers.DDPMScheduler(**peers.SD15, prediction_type=prediction)
    x0, noise, t = normal(3, 4, 5, 6), normal(3, 4, 5, 6, seed=1), torch.tensor([0, 500, 999])
    target = noise if prediction == "epsilon" else scheduler.get_velocity(x0, noise, t)
    network = Recorder(out=target)
    loss = Denoiser(network, SCHEDULE, prediction).loss(x0, CONTEXT, noise, t)
    assert loss.shape == (3,)
    assert loss.max() < 1e-9
    assert torch.allclose(network.asked[0], scheduler.add_noise(x0, noise, t), atol=2e-5)
    assert torch.equal(network.asked[1], t.float())

    network.out = torch.zeros_like(x0)
    expected = target.square().mean(dim=(1, 2, 3))
    assert torch.allclose(Denoiser(network, SCHEDULE, prediction).loss(x0, CONTEXT, noise, t), expected, rtol=1e-4)


@pytest.mark.parametrize("gamma", [1.0, 5.0])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_min_snr_weighs_the_error_of_x0_by_the_clamped_snr(prediction, gamma):
    """The definition: the loss is min(SNR, γ)·‖x0 − believed x0‖², whatever the network predicts."""
    x0, noise, t = normal(6, 4, 5, 6), normal(6, 4, 5, 6, seed=1), torch.tensor([1, 100, 300, 500, 700, 999])
    denoiser, context = Denoiser(peers.network, SCHEDULE, prediction), CONTEXT[:1].expand(6, -1, -1)
    sigma = SCHEDULE.sigmas[t]
    believed = denoiser((x0 + sigma.reshape(-1, 1, 1, 1) * noise).float(), sigma, context)
    snr = compute_snr(diffusers.DDPMScheduler(**peers.SD15), t)
    expected = snr.clamp(max=gamma) * (believed - x0).square().mean(dim=(1, 2, 3))
    assert torch.allclose(denoiser.loss(x0, context, noise, t, min_snr=gamma), expected, rtol=2e-3)


def test_the_loss_takes_timesteps_between_the_trained_ones_and_refuses_others():
    network = Recorder()
    denoiser, x0, noise = Denoiser(network, SCHEDULE), normal(3, 4, 5, 6), normal(3, 4, 5, 6, seed=1)
    denoiser.loss(x0, CONTEXT, noise, torch.tensor([0.25, 500.5, 998.75]))
    assert network.asked[1].tolist() == pytest.approx([0.25, 500.5, 998.75], rel=1e-6)
    with pytest.raises(SamplingError, match="0…999"):
        denoiser.loss(x0, CONTEXT, noise, torch.tensor([1, 2, 1000]))


def test_the_loss_trains_the_network():
    network = Recorder()
    denoiser = Denoiser(network, SCHEDULE)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    x0 = torch.zeros(3, 4, 5, 6)  # then x is noise·√(1−ᾱ), and at t = 999 the best weight is 2/√(1−ᾱ) ≈ 2
    for seed in range(60):
        loss = denoiser.loss(x0, CONTEXT, normal(3, 4, 5, 6, seed=seed), torch.full((3,), 999)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(network.weight) == pytest.approx(2 / float(1 - SCHEDULE.alphas_cumprod[-1]) ** 0.5, rel=1e-3)


def test_an_unknown_prediction_is_refused():
    with pytest.raises(SamplingError, match="did you mean 'v_prediction'"):
        Denoiser(peers.network, SCHEDULE, "v-prediction")  # type: ignore[arg-type]
