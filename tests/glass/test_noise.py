"""Noise against its schedule: exact for what is noised, and awake to what is not."""

from dataclasses import replace

import pytest
import torch
from tests.glass.walks import SIGMA, noised, smooth, walk

from garasu.glass.noise import expected_density, measure_noise
from garasu.glass.spectrum import Rings, power


def test_expectation_and_spread_are_those_of_many_noisings() -> None:
    finished = smooth(8, 12)
    reports = [measure_noise(noised(finished, seed)) for seed in range(300)]
    measured = torch.stack([report.measured for report in reports])  # [N, S, R]
    first = reports[0]
    error = first.spread / 300**0.5
    assert ((measured.mean(0) - first.expected).abs() < 4.5 * error).all()
    assert (measured.std(0) / first.spread).sub(1).abs().max() < 0.3


def test_noising_departs_in_one_of_a_hundred() -> None:
    departing = sum(bool(measure_noise(noised(smooth(16, 16), seed)).departing()) for seed in range(100))
    assert departing <= 5  # one in a hundred by more than five in two thousand


def test_the_spectrum_is_that_of_the_scaled_latent() -> None:
    run = noised(smooth())
    report = measure_noise(run)
    by_hand = Rings(8, 8).mean(power(run.latent(1) / 10**0.5)[0]).mean(0)
    assert torch.allclose(report.measured[1], by_hand)
    assert torch.allclose(report.times[1], by_hand / report.expected[1])
    assert report.sigma == SIGMA


def test_what_the_schedule_does_not_say_is_seen() -> None:
    finished = smooth(16, 16)
    known = noised(finished)
    latents = [known.latent(step) for step in range(4)]
    latents[2] = latents[2] + 2  # its mean, nothing else
    report = measure_noise(walk(latents, [finished] * 4, finished))
    assert 2 in report.departing()
    assert bool(report.surprising[2, 0])
    calm = replace(report, measured=report.expected)
    assert calm.departing() == []


def test_the_density_is_a_density_with_the_schedules_variance() -> None:
    run = noised(smooth())
    x = torch.linspace(-12, 12, 4001)
    for step, sigma in enumerate(SIGMA):
        density = expected_density(run, step, x)
        mass = torch.trapezoid(density, x.double())
        second = torch.trapezoid(density * x.double() ** 2, x.double())
        assert mass.item() == pytest.approx(1, abs=1e-6)
        assert second.item() == pytest.approx((run.finished.square().mean().item() + sigma**2) / (1 + sigma**2), 1e-5)
