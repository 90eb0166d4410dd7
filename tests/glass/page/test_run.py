"""What the page is given of a record."""

from base64 import b64decode

import numpy as np
import pytest
import torch
from tests.glass.recorded import recorded

from garasu.glass.page.detail import Detail
from garasu.glass.page.run import NO_GUIDANCE, NO_MAPS, NO_WORDS, run_data
from garasu.glass.record.options import RecordOptions

ALL = Detail(1, True, 64)


def numbers(text, *shape):
    return torch.from_numpy(np.frombuffer(b64decode(text), "<f2").astype("f4").reshape(shape))


def test_numbers_are_the_record_s(kept, tiny):
    (walk,) = run_data(tiny, kept, ALL, "finished")["walks"]
    for row, shown in enumerate(walk["rows"]):
        for name in ("x0", "eps"):
            own = getattr(kept, name).stacked()[:, row]
            assert torch.equal(numbers(shown[name], *own.shape), own.half().float())
        strength = kept.difference.stacked()[:, row].norm(dim=1)
        assert torch.allclose(numbers(shown["guidance"], 4, 8, 8), strength, rtol=1e-3)
        assert shown["curves"]["guidance"] == pytest.approx(
            kept.difference.stacked()[:, row].square().mean((1, 2, 3)).sqrt().tolist(), rel=1e-5
        )
        x0 = kept.x0.stacked()[:, row]
        assert shown["curves"]["change"][0] is None
        assert shown["curves"]["change"][1:] == pytest.approx(
            (x0[1:] - x0[:-1]).square().mean((1, 2, 3)).sqrt().tolist()
        )
    assert walk["sigma"] == kept.sigma


def test_maps_are_of_each_row(kept, tiny):
    (walk,) = run_data(tiny, kept, ALL, "finished")["walks"]
    name, series = next(iter(kept.attention("black").items()))
    index = [word["text"] for word in walk["words"]].index("black")
    for row, shown in enumerate(walk["rows"]):
        stack = next(one for one in shown["maps"] if f"{one['name']}.cross_attention.weights" == name)
        maps = numbers(stack["data"], 4, len(walk["words"]), *stack["size"])
        assert torch.allclose(maps[:, index], series.row(row), atol=1e-6)


def test_facts_say_where_it_ran_and_not_in_which_folder(kept, tiny):
    data = run_data(tiny, kept, ALL, "finished")
    facts = dict(data["facts"])
    assert facts["seed"] == "7, 8"
    assert facts["ran on"].startswith("cpu, float32, ")
    assert facts["sampler"] == "ddim, 4 steps"
    assert data["name"] == "run"
    assert str(kept.path.parent) not in str(data)


@pytest.mark.parametrize("prompt", ["cat AND dog", "[cat:dog:0.5]"])
def test_words_that_have_no_places_are_missed_in_a_sentence(keep, tiny, prompt):
    (walk,) = run_data(tiny, keep(prompt), ALL, "finished")["walks"]
    assert walk["words"] == []
    assert walk["missing"] == NO_WORDS
    assert walk["unguided"] == (NO_GUIDANCE if "AND" in prompt else "")


def test_a_record_without_panes_or_guidance_says_so(keep, tiny):
    (walk,) = run_data(tiny, keep("cat", RecordOptions(panes=("none",)), guidance_scale=1), ALL, "auto")["walks"]
    assert walk["missing"] == NO_MAPS
    assert walk["unguided"].startswith("This run was not guided")
    assert numbers(walk["rows"][0]["guidance"], 4, 8, 8).isnan().all()


def test_pictures_on_the_way_are_decoded_or_not(kept, tiny):
    (walk,) = run_data(tiny, kept, Detail(2, False, 64), "auto")["walks"]
    assert {name: len(some) for name, some in walk["rows"][1]["pictures"].items()} == {"x0": 3, "latent": 3}
    (walk,) = run_data(tiny, kept, ALL, "finished")["walks"]
    assert walk["rows"][0]["pictures"] == {}
    assert walk["rows"][0]["finished"].startswith("data:image/webp")


def test_every_walk_is_there(keep, tiny):
    walks = run_data(tiny, keep("cat", hires_scale=2), ALL, "finished")["walks"]
    assert [walk["grid"] for walk in walks] == [(8, 8), (16, 16)]


def test_pictures_made_one_by_one_are_walks_that_say_whose(tiny, tmp_path, monkeypatch):
    """As on a CPU at 512×512."""
    monkeypatch.setattr("garasu.tasks.room.CPU_CELLS", 8 * 12)
    kept = recorded(tiny, tmp_path, count=2, width=96, height=64, steps=2)
    walks = run_data(tiny, kept, ALL, "finished")["walks"]
    assert [walk["name"] for walk in walks] == ["8×12, 2 steps, seed 7", "8×12, 2 steps, seed 8"]
    together = run_data(tiny, recorded(tiny, tmp_path, count=2, width=48, steps=2), ALL, "finished")["walks"]
    assert [walk["name"] for walk in together] == ["8×6, 2 steps"]
