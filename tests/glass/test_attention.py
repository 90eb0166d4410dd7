"""Maps of words, against the panes themselves; and on the bundled model, that they lie on the object."""

import numpy as np
import pytest
import torch
from tests.glass.recorded import recorded
from torch.nn.functional import interpolate

import garasu
from garasu.glass.attention import END, OTHERS, PADDING, REST, START, attention_report, roles, spelled
from garasu.glass.record.document import Words
from garasu.glass.record.errors import RecordError
from garasu.panes import Recording, look

UP = [f"unet.up.{level}.transformers.{index}" for level in (1, 2) for index in (0, 1)]
DOWN = ["unet.down.0.transformers.0", "unet.down.1.transformers.0"]
PROMPT_ROW = 1  # of two


@pytest.fixture(scope="module")
def kept(tiny, tmp_path_factory):
    return recorded(tiny, tmp_path_factory.mktemp("attention"))


@pytest.fixture(scope="module")
def heads(tiny, tmp_path_factory):
    return recorded(tiny, tmp_path_factory.mktemp("heads"), heads=True)


@pytest.fixture(scope="module")
def weights(tiny):
    """By layer, for each step, softmax(QKᵀ/√d) of the prompt's row as the pane shows it: [S, N, P, T]."""
    seen = Recording(lambda value: value[PROMPT_ROW])
    with look(tiny, {"unet.*.cross_attention.weights": seen}):
        list(tiny.sample(tiny.encode("a black cat"), seed=7, steps=4, guidance_scale=5))
    layers = {at.name.split(".blocks")[0] for at, _ in seen.values}
    return {one: torch.stack([value for at, value in seen.values if at.name.startswith(one)]) for one in layers}


def expected(weights, layers, places, size=(8, 8)):
    """[S, N, h, w] of each layer, averaged over the layers if they have as many heads."""
    maps = []
    for layer in layers:
        one = weights[layer][..., list(places)].sum(-1)  # [S, N, P]
        side = int(one.shape[-1] ** 0.5)
        maps.append(interpolate(one.unflatten(-1, (side, side)), size=size, mode="bicubic").clamp(min=0))
    return torch.stack(maps).mean(0)


def test_a_map_is_the_mean_of_the_panes(kept, weights):
    report = attention_report(kept.walks[0], ["cat", "black cat"])
    assert report.layers == tuple(UP)
    torch.testing.assert_close(report.mean[0], expected(weights, UP, (3,)).mean((0, 1)), atol=2e-6, rtol=1e-4)
    torch.testing.assert_close(report.mean[1], expected(weights, UP, (2, 3)).mean((0, 1)), atol=2e-6, rtol=1e-4)
    torch.testing.assert_close(report.by_step[2, 0], expected(weights, UP, (3,))[2].mean(0), atol=2e-6, rtol=1e-4)
    middle = "unet.middle.transformers.0"
    one = expected(weights, [middle], (3,)).mean((0, 1))
    torch.testing.assert_close(report.by_layer[middle][0], one, atol=2e-6, rtol=1e-4)


def test_layers_and_steps_can_be_chosen(kept, weights):
    walk = kept.walks[0]
    report = attention_report(walk, ["cat"], layers="daam", steps=[1, 3])
    assert report.layers == (*DOWN, *UP)
    assert report.steps == (1, 3)
    torch.testing.assert_close(
        report.mean[0], expected(weights, DOWN + UP, (3,))[[1, 3]].mean((0, 1)), atol=2e-6, rtol=1e-4
    )
    assert attention_report(walk, ["cat"], layers="unet.up.2.*").layers == tuple(UP[2:])
    assert len(attention_report(walk, layers="all").layers) == 7
    assert attention_report(walk).words == ("black", "cat")  # without the article


def test_each_head_is_shown_if_heads_were_recorded(kept, heads, weights):
    report = attention_report(heads.walks[0], ["cat"])
    for layer in UP:
        torch.testing.assert_close(
            report.by_head[layer][:, 0], expected(weights, [layer], (3,)).mean(0), atol=2e-6, rtol=1e-4
        )
    torch.testing.assert_close(report.mean, attention_report(kept.walks[0], ["cat"]).mean, atol=2e-6, rtol=1e-4)
    assert attention_report(kept.walks[0]).by_head == {}


def test_shares_are_of_all_attention(kept, weights):
    report = attention_report(kept.walks[0], ["cat"], layers="all")
    torch.testing.assert_close(torch.stack(list(report.shares.values())).sum(0), torch.ones(4), atol=1e-5, rtol=0)
    for name, places in ((START, [0]), ("cat", [3]), (END, [4]), (PADDING, range(5, 77)), (OTHERS, [1, 2])):
        one = torch.stack([layer[..., list(places)].sum(-1).mean((1, 2)) for layer in weights.values()]).mean(0)
        torch.testing.assert_close(report.shares[name], one, atol=2e-6, rtol=1e-4)


def test_overlap_is_what_two_distributions_have_in_common(kept):
    report = attention_report(kept.walks[0], ["black", "cat", "black cat"])
    p = (report.mean / report.mean.sum((1, 2), keepdim=True)).flatten(1)
    torch.testing.assert_close(report.overlap, 1 - (p[:, None] - p[None]).abs().sum(-1) / 2, atol=1e-6, rtol=0)
    torch.testing.assert_close(report.overlap.diagonal(), torch.ones(3))


def test_the_negative_row_has_its_own_words(tiny, tmp_path):
    kept = recorded(tiny, tmp_path, negative_prompt="dog")
    report = attention_report(kept.walks[0], side="negative")
    assert report.words == ("dog",)
    layer = kept.attention("dog", "negative")[f"{UP[2]}.blocks.0.cross_attention.weights"].stacked()[:, 0].mean(0)
    torch.testing.assert_close(report.by_layer[UP[2]][0], layer)  # as large as the latent: nothing to interpolate


def test_a_word_that_is_not_said_at_a_step_has_no_map_there(tiny, tmp_path):
    report = attention_report(recorded(tiny, tmp_path, prompt="a [black cat:dog:0.5]").walks[0])
    assert report.words == ("black", "cat", "dog")
    assert report.by_step.isnan().all(-1).all(-1).tolist() == [[False, False, True]] * 2 + [[True, True, False]] * 2
    torch.testing.assert_close(report.mean[2], report.by_step[2:, 2].mean(0))
    torch.testing.assert_close(report.mean[0], report.by_step[:2, 0].mean(0))
    layers = torch.stack([report.by_layer[layer] for layer in UP])
    torch.testing.assert_close(report.mean, layers.mean(0))


def test_a_prompt_of_parts_is_shown_part_by_part(tiny, tmp_path):
    walk = recorded(tiny, tmp_path, prompt="a black cat AND a dog").walks[0]
    assert attention_report(walk).side == "prompt part 0"
    assert attention_report(walk, ["dog"]).side == "prompt part 1"
    assert attention_report(walk, side="prompt part 1").words == ("dog",)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"words": ["tiger"]}, "'tiger' is not in the prompt, whose words are: a black cat"),
        ({"layers": "nix"}, "no layer is named nix: say up, daam, all, or a pattern of unet.down.0"),
        ({"steps": [9]}, "no attention of step 9"),
        ({"picture": 3}, "there is no row 3"),
        ({"words": ["cat"], "side": "nix"}, "there is no side 'nix'"),
        ({"side": "nix"}, "there is no side 'nix': the run's are negative, prompt"),
    ],
)
def test_what_is_not_there_is_refused(kept, how, message):
    with pytest.raises(RecordError, match=message):
        attention_report(kept.walks[0], **how)


def test_places_of_no_word_have_roles():
    text = Words(
        text="a cat",
        ids=(90, 1, 2, 91, 91, 90, 3, 3, 91, 91),
        pieces=("", "a</w>", "cat</w>", "", "", "", "d", "og</w>", "", ""),
    )
    first, second = [START, "", "", END, PADDING], [START, "", "", END, PADDING]
    assert roles(text, 10) == first + second
    assert roles(text, 15) == [*first, *second, START, END, PADDING, PADDING, PADDING]
    full = Words(text="a", ids=(90, 1, 2, 2, 91), pieces=("", "a</w>", "a</w>", "a</w>", ""))
    assert roles(full, 5) == [START, "", "", "", END]
    assert spelled(text) == ["a", "cat", "dog"]
    assert len(REST) == 4


PROMPTS = [
    f"a {fur} {pet}, {ground} background"
    for fur, ground in (("black", "yellow"), ("orange", "blue"), ("white", "red"), ("brown", "pink"))
    for pet in ("cat", "kitten", "dog")
]


def test_the_mean_map_of_the_subject_lies_on_the_subject(tmp_path):
    """Of the bundled model: at least twice as dense where the picture is no plain ground."""
    sd = garasu.load()
    ratios = []
    for index, prompt in enumerate(PROMPTS):
        kept = recorded(sd, tmp_path, prompt=prompt, seed=index, steps=12, guidance_scale=3)
        report = attention_report(kept.walks[0], [prompt.split()[2].strip(",")])
        ratios.append(density(report.mean[0], sd.decode(kept.finished)))
    assert min(ratios) >= 2, dict(zip(PROMPTS, ratios, strict=True))


def density(heat, picture):
    """Of a map [h, w], inside the subject over outside: the subject is what is unlike the picture's border."""
    pixels = np.asarray(picture, dtype=float)
    border = np.concatenate([pixels[:6].reshape(-1, 3), pixels[:, :6].reshape(-1, 3), pixels[:, -6:].reshape(-1, 3)])
    subject = torch.from_numpy(np.linalg.norm(pixels - np.median(border, axis=0), axis=-1) > 40)
    large = interpolate(heat[None, None], size=subject.shape, mode="bicubic")[0, 0]
    return float(large[subject].mean() / large[~subject].mean())
