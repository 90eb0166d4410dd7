"""Journeys: where frames stand, what each is made of, and that company changes none."""

import numpy as np
import pytest

from garasu.diffusion.steps import Step
from garasu.prompts.conditioning import Conditioning
from garasu.prompts.expression import read_expression
from garasu.tasks.blend import Journey, blend, blend_steps, frame_at, through
from garasu.tasks.picture import Picture
from garasu.tasks.refusal import RecipeError
from garasu.tasks.txt2img import Txt2Img, txt2img

SMALL = {"seed": 1, "steps": 2, "width": 64, "height": 64}


def prompts(journey: Journey) -> list[str]:
    return [frame_at(journey, place).prompt for place in journey.places()]


def test_a_journey_begins_and_ends_at_its_waypoints():
    assert prompts(through("cat", "dog", frames=5)) == [
        "cat",
        "lerp(cat, dog, 0.25)",
        "lerp(cat, dog, 0.5)",
        "lerp(cat, dog, 0.75)",
        "dog",
    ]
    assert prompts(through("cat", "dog", frames=2)) == ["cat", "dog"]


def test_waypoints_lie_evenly_and_are_met():
    found = prompts(through("cat", "dog", "black cat", frames=5, curve="slerp"))
    assert found == ["cat", "slerp(cat, dog, 0.5)", "dog", "slerp(dog, black cat, 0.5)", "black cat"]


@pytest.mark.parametrize("frames", [7, 49, 97, 211, 400])
def test_every_waypoint_is_met_whatever_floats_say(frames):
    words = ["cat", "dog", "black", "bird"]
    found = prompts(through(*words, frames=6 * frames + 1))
    assert [found[index * 2 * frames] for index in range(4)] == words
    assert len(set(found)) == len(found)


def test_a_loop_goes_back_and_does_not_show_its_beginning_twice():
    found = prompts(through("cat", "dog", frames=4, loop=True))
    assert found == ["cat", "lerp(cat, dog, 0.5)", "dog", "lerp(dog, cat, 0.5)"]
    closed = through("cat", "dog", "black", loop=True, seeds=(1, 2, 3))
    assert frame_at(closed, 1.0) == frame_at(closed, 0.0)
    last = frame_at(closed, 5 / 6)
    assert (last.seed, last.variation_seed, last.variation_strength) == (3, 1, 0.5)


def test_smooth_frames_stand_denser_where_a_waypoint_is_reached():
    found = prompts(through("cat", "dog", frames=5, easing="smooth"))
    assert found[1:4] == ["lerp(cat, dog, 0.15625)", "lerp(cat, dog, 0.5)", "lerp(cat, dog, 0.84375)"]


def test_waypoints_are_expressions_and_so_is_what_lies_between():
    journey = through("cat+.4*tabby", '"a cat, sea"', '"a drawing of a cat"{cat -> lerp(cat, dog, 0.3)}', frames=401)
    assert journey.waypoints[:2] == ("cat + 0.4*tabby", '"a cat, sea"')
    found = prompts(journey)
    assert found[50] == 'lerp(cat + 0.4*tabby, "a cat, sea", 0.25)'
    assert [str(read_expression(text)) for text in found] == found
    assert frame_at(journey, 1e-6).prompt == 'lerp(cat + 0.4*tabby, "a cat, sea", 2e-06)'


def test_seeds_and_guidance_scales_go_along():
    journey = through("cat", "dog", "black", frames=5, seeds=(7, 8, 8), guidance_scales=(1, 3, 4))
    made = [frame_at(journey, place) for place in journey.places()]
    assert [one.guidance_scale for one in made] == [1, 2, 3, 3.5, 4]
    noise = [(one.seed, one.variation_seed, one.variation_strength) for one in made]
    assert noise == [(7, None, 0), (7, 8, 0.5), (8, None, 0), (8, None, 0), (8, None, 0)]


def test_frames_stand_where_they_are_put():
    journey = through("cat", "dog", frames=3, positions=(0, 0.9, 1))
    assert prompts(journey) == ["cat", "lerp(cat, dog, 0.9)", "dog"]


def test_fields_of_the_frames_are_given_beside_those_of_the_journey():
    journey = through("cat", "dog", frames=3, steps=4, sampler="Euler a", seed=5, guidance_scale=3)
    assert (journey.frames, journey.seeds, journey.guidance_scales) == (3, (5,), (3,))
    assert frame_at(journey, 0) == Txt2Img(
        prompt="cat", syntax="algebra", steps=4, sampler="euler_a", seed=5, guidance_scale=3
    )
    later = through(journey, frames=4, steps=9)
    assert (later.frames, later.recipe.steps, later.recipe.sampler) == (4, 9, "euler_a")


def test_values_in_one_text_are_several():
    journey = Journey(waypoints=["cat", "dog"], seeds="7, 8", guidance_scales="3,7.5")
    assert (journey.seeds, journey.guidance_scales) == ((7, 8), (3.0, 7.5))


def test_json_gives_the_journey_back():
    journey = through("cat", "dog", frames=3, seeds=(1, 2), loop=True, steps=4)
    assert Journey.from_json(journey.to_json()) == journey


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"waypoints": ["cat"]}, "two waypoints or more"),
        ({"waypoints": ["cat", "a cat, sea"]}, r"a prompt with commas stands in quotes \(column 6 of the expression"),
        ({"waypoints": ["cat", ""]}, "something is missing at the end"),
        (
            {"waypoints": ["cat", "cat + t*dog"]},
            r't has no value in cat \+ t\*dog: write "t" in quotes if it is a word',
        ),
        ({"frames": 1}, "frames must be at least 2, not 1"),
        ({"frames": "many"}, "frames must be a whole number, not 'many'"),
        ({"curve": "line"}, "curve must be one of 'lerp' or 'slerp', not 'line'"),
        ({"seeds": (1, 2, 3)}, "seeds has 3 values for 2 waypoints: give one, or one for each"),
        ({"seeds": "1,x"}, "seeds must be a whole number, not 'x'"),
        ({"seeds": (-1,)}, "seeds must be at least 0, not -1"),
        ({"guidance_scales": ()}, "guidance_scales has 0 values for 2 waypoints"),
        ({"guidance_scales": "nan"}, "guidance_scales must be finite"),
        ({"positions": (0, 1), "frames": 3}, "there are 2 positions for 3 frames"),
        ({"positions": (0, 2), "frames": 2}, "positions must be at most 1, not 2"),
        ({"recipe": {"prompt": "", "steps": 0}}, "steps must be at least 1, not 0"),
    ],
)
def test_what_is_no_journey_is_refused(fields, sentence):
    with pytest.raises(RecipeError, match=sentence):
        Journey(**{"waypoints": ["cat", "dog"], **fields})


def test_a_place_outside_is_refused():
    with pytest.raises(RecipeError, match=r"between 0 and 1, not at 1\.5"):
        frame_at(through("cat", "dog"), 1.5)


def test_frames_are_what_their_recipes_make_alone(tiny):
    made = blend(tiny, "black cat", "dog", frames=6, **SMALL)
    assert [one.recipe.prompt for one in made[::5]] == ["black cat", "dog"]
    for one in made:
        alone = txt2img(tiny, one.recipe)
        assert isinstance(alone, Picture)
        assert np.abs(np.asarray(one.image).astype(int) - np.asarray(alone.image)).max() <= 1
    assert len({one.image.tobytes() for one in made}) == 6


def test_halfway_is_between_the_words(tiny):
    (made,) = (one for one in blend(tiny, "cat", "dog", frames=3, **SMALL) if one.recipe.prompt.startswith("lerp"))
    cat, dog = (tiny.encode(word).tensor for word in ("cat", "dog"))
    *_, last = tiny.sample(Conditioning((cat + dog) / 2), seed=1, steps=2)
    expected = np.asarray(tiny.decode(last.latent)).astype(int)
    assert np.abs(np.asarray(made.image) - expected).max() <= 1


def test_frames_of_one_seed_are_made_together(tiny):
    steps = [one for one in blend_steps(tiny, through("cat", "dog", frames=6, **SMALL), [1, 2, 4]) if _is_step(one)]
    assert [len(step.latent) for step in steps] == [3, 3, 3]


def test_a_journey_over_seeds_and_guidance_comes_back_in_order(tiny):
    fields = {"seeds": (1, 2, 1), "guidance_scales": (3, 2, 3), "steps": 2, "width": 64, "height": 64}
    made = blend(tiny, "cat", "dog", "cat", frames=5, **fields)
    assert [one.recipe.guidance_scale for one in made] == [3, 2.5, 2, 2.5, 3]
    assert made[0].image.tobytes() == made[4].image.tobytes()
    middle = txt2img(tiny, made[1].recipe)
    assert isinstance(middle, Picture)
    assert np.abs(np.asarray(made[1].image).astype(int) - np.asarray(middle.image)).max() <= 1


def test_a_random_seed_is_one_for_all_frames(tiny):
    made = blend(tiny, "cat", "dog", frames=2, steps=1, width=64, height=64)
    assert made[0].recipe.seed is not None
    assert made[0].recipe.seed == made[1].recipe.seed


def _is_step(one: object) -> bool:
    return isinstance(one, Step)
