"""Everybody's names for samplers and spacings."""

from pathlib import Path

import diffusers
import pytest
from tests.diffusion import peers

from garasu.diffusion.samplers import SAMPLERS
from garasu.diffusion.spacing import SPACINGS
from garasu.tasks.names import A1111_NOISES, A1111_SAMPLERS, A1111_SPACINGS, understood
from garasu.tasks.refusal import RecipeError

A1111 = """Euler a|Euler|LMS|Heun|DPM2|DPM2 a|DPM++ 2S a|DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 3M SDE|Restart|DDIM|PLMS|
UniPC|LCM|LMS Karras|DPM2 Karras|DPM2 a Karras|DPM++ 2S a Karras|DPM++ 2M Karras|DPM++ SDE Karras|DPM++ 2M SDE Karras|
DPM++ 2M SDE Exponential|DPM++ 3M SDE Karras|DPM++ 3M SDE Exponential""".replace("\n", "").split("|")


def read(**fields):
    found = understood(fields)
    return found.get("sampler"), found.get("spacing")


def test_every_name_of_a1111_is_understood_with_its_spacing():
    for name in A1111:
        sampler, spacing = read(sampler=name)
        assert sampler in SAMPLERS, name
        ending = name.rsplit(" ", 1)[-1].lower()
        assert spacing == (ending if ending in ("karras", "exponential") else None)
        said = A1111_SAMPLERS[sampler] + (f" {A1111_SPACINGS[spacing]}" if spacing else "")
        assert said == name


def test_every_sampler_and_spacing_is_understood_by_our_name_and_by_the_one_we_write():
    assert list(A1111_SAMPLERS) == list(SAMPLERS)
    for ours, theirs in A1111_SAMPLERS.items():
        assert read(sampler=ours) == read(sampler=theirs) == read(sampler=theirs.upper()) == (ours, None)
    assert set(SPACINGS) - set(A1111_SPACINGS) == {"trailing", "lcm"}
    for ours in SPACINGS:
        assert read(spacing=ours) == read(spacing=A1111_SPACINGS.get(ours, ours.title())) == (None, ours)


@pytest.mark.parametrize(
    ("name", "sampler", "spacing"),
    [
        ("k_euler_a", "euler_a", None),
        ("k_dpm_2_a", "dpm2_a", None),
        ("k_dpm_2_ka", "dpm2", "karras"),
        ("k_dpm_2_a_ka", "dpm2_a", "karras"),
        ("k_dpmpp_2m_sde_exp", "dpmpp_2m_sde", "exponential"),
        ("euler_ancestral", "euler_a", None),
        ("dpm_2_ancestral", "dpm2_a", None),
        ("dpmpp_2s_ancestral", "dpmpp_2s_a", None),
        ("k_dpmpp_2s_ancestral", "dpmpp_2s_a", None),
        ("uni_pc", "unipc", None),
        ("uni_pc_bh2", "unipc", None),
        ("dpmpp_2m_sde_gpu", "dpmpp_2m_sde", None),
        ("kdpm_2", "dpm2", None),
        ("kdpm_2_k", "dpm2", "karras"),
        ("kdpm_2_a_k", "dpm2_a", "karras"),
        ("heun_k", "heun", "karras"),
        ("pndm", "plms", None),
        ("dpm++ 2m sgm uniform", "dpmpp_2m", "sgm_uniform"),
    ],
)
def test_names_of_the_other_tools(name, sampler, spacing):
    assert read(sampler=name) == (sampler, spacing)


def test_schedulers_of_diffusers_are_understood_by_their_class():
    for name, (cls, options) in peers.SCHEDULERS.items():
        if not options.get("algorithm_type"):
            assert read(sampler=cls.__name__) == (name, None)
    for foreign in ("DPMSolverSinglestepScheduler", "TCDScheduler", "SASolverScheduler"):
        assert hasattr(diffusers, foreign)
        assert read(sampler=foreign) == (foreign, None)


@pytest.mark.parametrize(
    ("name", "spacing"),
    [
        ("Uniform", "linspace"),
        ("normal", "linspace"),
        ("DDIM", "leading"),
        ("ddim_uniform", "leading"),
        ("Simple", "simple"),
    ],
)
def test_spacings_of_the_other_tools(name, spacing):
    assert read(spacing=name) == (None, spacing)


@pytest.mark.parametrize(
    "name", ["DPM fast", "DPM adaptive", "DPM++ 2M SDE Heun", "DPM++ 2M Turbo", "Karras", "k", "", "a"]
)
def test_what_nobody_calls_so_stays_as_it_is(name):
    assert read(sampler=name, spacing="Polyexponential") == (name, "Polyexponential")


def test_two_spacings_must_agree():
    assert read(sampler="LMS Karras", spacing="karras") == ("lms", "karras")
    assert read(sampler="LMS Karras", spacing="Automatic") == ("lms", "karras")
    with pytest.raises(
        RecipeError, match="'LMS Karras' asks for the spacing karras, and spacing for linspace: drop one"
    ):
        understood({"sampler": "LMS Karras", "spacing": "Uniform"})


def test_the_reference_page_tells_names_that_are_understood():
    page = (Path(__file__).parents[2] / "docs/reference/samplers.md").read_text("utf-8")
    rows = [line.split("|")[1:-1] for line in page[page.index("## Other tools' names") :].splitlines() if "| `" in line]
    told = [(row[0].strip(" `"), row[1].strip(), row[2].strip().split(", ")) for row in rows]
    assert [ours for ours, _, _ in told] == list(SAMPLERS)
    for ours, a1111, others in told:
        assert a1111 in (A1111_SAMPLERS[ours], "")
        assert {read(sampler=name) for name in others if name} <= {(ours, None)}


def test_tools_and_noises_are_understood():
    for name in ("A1111", "AUTOMATIC1111", "webui", "stable-diffusion-webui", "a1111"):
        assert understood({"like": name}) == {"like": "a1111"}
    assert understood({"like": "CompVis", "noise": "GPU"}) == {"like": "compvis", "noise": "nv"}
    for ours, theirs in A1111_NOISES.items():
        assert understood({"noise": theirs}) == {"noise": ours} == understood({"noise": ours})
    assert understood({"like": "comfy", "noise": None}) == {"like": "comfy", "noise": None}


def test_other_fields_are_left_alone():
    assert understood({"prompt": "Euler a", "sampler": 3, "spacing": None}) == {
        "prompt": "Euler a",
        "sampler": 3,
        "spacing": None,
    }
