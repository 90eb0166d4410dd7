"""Arrays on the device or memory-mapped: the same rows either way, and within the budget."""

from pathlib import Path

import numpy as np
import pytest
import torch

from garasu.training.store import PIECE, Store, windows

CPU = torch.device("cpu")


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "array.npy", np.random.default_rng(0).integers(0, 255, (40, 9, 12, 3), np.uint8))
    return np.load(tmp_path / "array.npy", mmap_mode="r")


def test_rows_are_the_same_from_the_device_and_from_the_disk(mapped: np.ndarray) -> None:
    rows = torch.tensor([3, 39, 3, 0])
    ys, xs = windows(torch.tensor([0, 5, 2, 1]), torch.tensor([8, 0, 3, 3]), 4, 4)
    for store in (Store(CPU), Store(CPU, mapped.nbytes)):
        assert np.array_equal(store.take(mapped, rows), mapped[[3, 39, 3, 0]])
        cut = store.take(mapped, rows[:, None, None], ys, xs)
        assert np.array_equal(cut[1], mapped[39, 5:9, 0:4])
        assert np.array_equal(cut[3], mapped[0, 1:5, 3:7])
        planes = store.take(mapped, rows[:, None, None], slice(None), ys, xs[..., :2] % 3)  # [B, h, w, rows]
        assert planes.shape == (4, 4, 2, 9)


def test_an_array_is_held_where_it_fits(mapped: np.ndarray) -> None:
    """What is held was copied: it does not follow the array any more."""
    array, other = np.array(mapped), np.array(mapped)
    store = Store(CPU, budget=array.nbytes + other.nbytes - 1)
    row = torch.tensor([1])
    before = [store.take(one, row) for one in (array, other)]
    array[1] += 1
    other[1] += 1
    assert torch.equal(store.take(array, row), before[0])
    assert not torch.equal(store.take(other, row), before[1]), "there was no room for this one"
    store.release()
    assert np.array_equal(store.take(array, row)[0], array[1])


def test_a_cpu_holds_nothing_of_its_own(mapped: np.ndarray) -> None:
    array = np.array(mapped)
    store = Store(CPU)
    before = store.take(array, torch.tensor([1]))
    array[1] += 1
    assert not torch.equal(store.take(array, torch.tensor([1])), before)


def test_large_arrays_are_copied_whole() -> None:
    array = np.arange(3 * PIECE // 8 + 5, dtype=np.int64)  # three pieces and a bit
    store = Store(CPU, array.nbytes)
    ends = torch.tensor([0, PIECE // 8 - 1, PIECE // 8, len(array) - 1])
    assert store.take(array, ends).tolist() == ends.tolist()


def test_noise_on_a_cpu_is_the_generators_own() -> None:
    drawn = Store(CPU).normal((2, 3), torch.Generator().manual_seed(1))
    assert torch.equal(drawn, torch.randn(2, 3, generator=torch.Generator().manual_seed(1)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_noise_on_a_gpu_depends_on_the_generator_alone() -> None:
    store = Store(torch.device("cuda"))
    first, again, other = (store.normal((64, 64), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.device.type == "cuda"
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert abs(float(first.std()) - 1) < 0.05
