"""How many pictures at once: by speed on a CPU, by trying elsewhere, and fewer when memory runs out."""

import numpy as np
import pytest
import torch

from garasu.diffusion.steps import Step
from garasu.panes import look
from garasu.tasks.picture import Picture
from garasu.tasks.room import Room, RoomError, ran_out
from garasu.tasks.txt2img import Txt2Img, txt2img, txt2img_steps

ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    MemoryError(),
)


@pytest.mark.parametrize(("device", "cells", "rows"), [
    ("cpu", 64 * 64, 1), ("cpu", 32 * 32, 4), ("cpu", 16 * 16, 16), ("cpu", 8 * 8, 16), ("cpu", 96 * 64, 1),
    ("cuda", 64 * 64, 16),
])  # fmt: skip
def test_the_room_of_a_device(device, cells, rows):
    assert Room(torch.device(device), cells).rows == rows


def test_room_halves_until_one_picture_is_too_large():
    room = Room(torch.device("cuda"), 1)
    for expected in (8, 4, 2, 1):
        room.halve(room.rows)
        assert room.rows == expected
    with pytest.raises(RoomError, match="not memory enough for one picture: make it smaller"):
        room.halve(1)


@pytest.mark.parametrize("problem", ERRORS, ids=str)
def test_every_way_to_say_that_memory_ran_out(problem):
    assert ran_out(problem)
    assert not ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def too_many(rows: int, problem: Exception, on_call: int = 1):
    """A watcher of the U-Net's words which lets no more than so many rows pass, from the given call on."""
    calls = []

    def watch(value, at) -> None:
        calls.append(len(value))
        if len(calls) >= on_call and len(value) > rows:
            raise problem

    return watch


@pytest.mark.parametrize("problem", ERRORS, ids=str)
def test_a_batch_that_does_not_fit_is_halved_and_every_picture_is_made_once(tiny, problem):
    recipe = Txt2Img(prompt="cat", seed=3, count=7, steps=2)
    with look(tiny, {"unet.conditioning": too_many(6, problem, on_call=2)}):  # in the second step: the first was fine
        made = list(txt2img_steps(tiny, recipe))
    pictures = [one for one in made if isinstance(one, Picture)]
    assert [one.recipe.seed for one in pictures] == list(range(3, 10))
    assert [len(one.latent) for one in made if isinstance(one, Step)] == [7, *[3] * 6, *[1] * 3]
    for picture, plain in zip(pictures, txt2img(tiny, recipe), strict=True):
        assert np.abs(np.asarray(picture.image).astype(int) - np.asarray(plain.image)).max() <= 1


def test_pictures_that_are_decoded_already_are_not_made_again(tiny):
    calls = []

    def once(value, at) -> None:
        calls.append(len(value))
        if len(calls) == 3:
            raise MemoryError

    with look(tiny, {"vae.decoder.conv_in": once}):
        made = txt2img(tiny, "cat", seed=0, count=4, steps=1)
    assert [one.recipe.seed for one in made] == [0, 1, 2, 3]


def test_one_picture_that_does_not_fit_is_refused_in_a_sentence(tiny):
    with (
        look(tiny, {"unet.conditioning": too_many(0, MemoryError())}),
        pytest.raises(RoomError, match="make it smaller"),
    ):
        txt2img(tiny, "cat", steps=1)


def test_other_errors_stay_what_they_are(tiny):
    with (
        look(tiny, {"unet.conditioning": too_many(0, RuntimeError("broken"))}),
        pytest.raises(RuntimeError, match="broken"),
    ):
        txt2img(tiny, "cat", steps=1, count=2)
