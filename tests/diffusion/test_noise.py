import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor
from tests.diffusion.gaussian import Gaussian, finish

from garasu.diffusion import SAMPLERS, Noise, SamplingError, Schedule
from garasu.diffusion.philox import CudaNoise


def test_equals_what_diffusers_draws():
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in (7, 0, 2**40)]
    noise = Noise([7, 0, 2**40], (4, 9, 7))
    for _ in range(3):
        assert torch.equal(noise.draw(), randn_tensor((3, 4, 9, 7), generator=generators))
    alone = torch.randn((1, 4, 9, 7), generator=torch.Generator("cpu").manual_seed(7))
    assert torch.equal(Noise([7], (4, 9, 7)).draw(), alone)


@pytest.mark.parametrize("shape", [(4, 64, 64), (4, 5, 3), (1, 1, 3)])
def test_a_row_does_not_know_its_batch(shape):
    batch, alone = Noise([5, 6, 7, 8], shape), Noise([7], shape)
    for _ in range(3):
        assert torch.equal(batch.draw()[2], alone.draw()[0])


def test_draws_differ_and_are_standard_normal_float32():
    noise = Noise([1, 2, 1], (4, 64, 64))
    first, second = noise.draw(), noise.draw()
    assert first.dtype == torch.float32
    assert torch.equal(first[0], first[2])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, second)
    assert abs(float(first.mean())) < 0.03
    assert float(first.std()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_picture_is_the_same_alone_and_in_a_batch(name):
    def sample(seeds):
        noise, sampler = Noise(seeds, (4, 3, 3)), SAMPLERS[name]
        sigmas = sampler.sigmas(Schedule.scaled_linear(), 8)
        return finish(sampler.run(sigmas, noise.draw() * sigmas[0], noise.draw), Gaussian(0.3, 0.6).denoise)

    assert torch.equal(sample([4, 5, 6])[1], sample([5])[0])


@pytest.mark.parametrize("seeds", [[1.5], [True], ["7"], [None], [2**64], [-(2**63) - 1]])
def test_a_seed_must_be_a_whole_number_in_range(seeds):
    with pytest.raises(SamplingError, match="whole number"):
        Noise(seeds, (4, 8, 8))


def test_the_largest_and_smallest_seeds_work():
    assert Noise([2**64 - 1, -(2**63)], (1, 2, 2)).draw().shape == (2, 1, 2, 2)


def test_no_seed_is_refused():
    with pytest.raises(SamplingError, match="at least one seed"):
        Noise([], (4, 8, 8))


def test_the_noise_of_nvidias_gpus_is_another_and_as_faithful_to_its_seed():
    together, alone = Noise([6, 7], (4, 5, 3), source="nv"), Noise([7], (4, 5, 3), source="nv")
    for _ in range(3):
        row = alone.draw()[0]
        assert torch.equal(together.draw()[1], row)
        assert not torch.equal(row, Noise([7], (4, 5, 3)).draw()[0])
    assert torch.equal(Noise([0], (4, 5, 3), source="nv").draw()[0], CudaNoise(0).randn((4, 5, 3)))
    with pytest.raises(SamplingError, match="no source of noise 'gpu'"):
        Noise([0], (4, 5, 3), source="gpu")
