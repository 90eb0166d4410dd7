"""Philox against its authors' known answers, and CUDA's randn against what it is known to give."""

from math import log, pi, sin, sqrt

import numpy as np
import pytest
import torch

from garasu.diffusion.philox import CudaNoise, philox

KNOWN = [  # Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, answer
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
ON_CUDA = [-0.92466259, -0.42534415, -2.6438457, 0.14518388]  # torch.randn(3, 4) of seed 0, its first row


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_the_authors_known_answers(counter, key, answer):
    counters = np.array(words(counter), dtype=np.uint64)[:, None].repeat(3, axis=1)
    first, second = words(key)
    assert philox(counters, (first, second)).T.tolist() == [words(answer)] * 3


def test_noise_is_that_of_cuda():
    noise = CudaNoise(0).randn((3, 4))
    assert noise.dtype == torch.float32
    assert torch.allclose(noise[0], torch.tensor(ON_CUDA), rtol=0, atol=1e-6)
    assert torch.equal(CudaNoise(0).randn((12,)), noise.flatten()), "the shape only folds it"
    assert torch.equal(CudaNoise(0).randn((50,))[:12], noise.flatten()), "and numbers do not know how many follow"


def test_every_draw_counts_by_one_and_every_number_has_a_counter_of_its_own():
    seed = 5 + 7 * 2**32
    source = CudaNoise(seed)
    for draw in range(3):
        for place, number in enumerate(source.randn((4,)).tolist()):
            counter = np.array([[draw], [0], [place], [0]], dtype=np.uint64)
            radius, angle = philox(counter, (5, 7))[:2, 0].tolist()
            length = sqrt(-2 * log((radius + 0.5) / 2**32))
            assert number == pytest.approx(length * sin(2 * pi * (angle + 0.5) / 2**32), abs=1e-6)


def test_noise_is_normal_and_every_draw_and_seed_is_another():
    source = CudaNoise(7)
    draws = torch.stack([source.randn((4, 64, 64)).flatten(), source.randn((4, 64, 64)).flatten()])
    draws = torch.cat([draws, CudaNoise(8).randn((1, 16384)), CudaNoise(7 + 2**32).randn((1, 16384))])
    assert (draws.mean(dim=1).abs() < 0.03).all()
    assert ((draws.std(dim=1) - 1).abs() < 0.03).all()
    assert ((draws.abs() < 1).double().mean(dim=1) - 0.6827 < 0.02).all()
    assert (torch.corrcoef(draws) - torch.eye(4)).abs().max() < 0.03


def test_a_negative_seed_is_its_64_bits():
    assert torch.equal(CudaNoise(-1).randn((5,)), CudaNoise(2**64 - 1).randn((5,)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("seed", [0, 42, 2**40 + 1])
def test_noise_is_what_this_gpu_draws(seed):
    theirs, ours = torch.Generator("cuda").manual_seed(seed), CudaNoise(seed)
    for _ in range(3):
        drawn = torch.randn(4, 64, 64, generator=theirs, device="cuda").cpu()
        assert (ours.randn((4, 64, 64)) - drawn).abs().max() < 1e-3
