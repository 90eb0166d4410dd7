"""The safety checker against diffusers' on random weights, and its rule by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from tests.networks.peers import CLIP, share
from transformers import CLIPConfig

from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.safety import SafetyChecker, SafetyConfig, report

TINY = SafetyConfig(
    CLIPVisionConfig(image_size=28, patch_size=14, width=32, layers=2, heads=4, mlp_width=64, projection_width=16)
)
NAMES = [
    (r"^vision_model\.", "vision."),
    (r"vision\.embeddings\.", "vision."),
    (r"vision\.encoder\.", "vision."),
    *CLIP[3:-1],
    (r"visual_projection", "vision.projection"),
    (r"concept_embeds_weights", "concept_thresholds"),
    (r"special_care_embeds_weights", "special_care_thresholds"),
]


def pair(config: SafetyConfig, seed: int = 0) -> tuple[SafetyChecker, Any]:
    """Ours and diffusers' with the same weights."""
    vision = config.vision
    peer = StableDiffusionSafetyChecker(
        CLIPConfig(
            projection_dim=vision.projection_width,
            vision_config={
                "hidden_size": vision.width,
                "intermediate_size": vision.mlp_width,
                "num_hidden_layers": vision.layers,
                "num_attention_heads": vision.heads,
                "image_size": vision.image_size,
                "patch_size": vision.patch_size,
                "hidden_act": vision.activation,
            },
        )
    )
    with torch.device("meta"):
        ours = SafetyChecker(config)
    share(peer, ours, NAMES, seed)
    set_thresholds(peer, 0.1, 0.4)
    return ours, peer


def set_thresholds(peer: Any, special_care: float | torch.Tensor, concepts: float | torch.Tensor) -> None:
    """In both, which share their memory."""
    with torch.no_grad():
        peer.special_care_embeds_weights.copy_(torch.as_tensor(special_care).expand(3))
        peer.concept_embeds_weights.copy_(torch.as_tensor(concepts).expand(17))


def pictures(seed: int) -> torch.Tensor:
    return torch.randn(12, 3, 28, 28, generator=torch.Generator().manual_seed(seed))


def theirs(peer: Any, pixels: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> tuple[list[bool], list[list[float]]]:
    """diffusers' flags, and the 20 scores of each picture, which it rounds on the way and does not give out."""
    rounded: list[float] = []

    def spy(value: Any, digits: int) -> Any:
        rounded.append(float(round(value, digits)))
        return round(value, digits)

    monkeypatch.setattr("diffusers.pipelines.stable_diffusion.safety_checker.round", spy, raising=False)
    _, flags = peer(clip_input=pixels, images=[torch.zeros(3, 4, 4) for _ in pixels])
    return flags, [rounded[start : start + 20] for start in range(0, len(rounded), 20)]


def test_flags_and_scores_are_those_of_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for seed in range(4):
        ours, peer = pair(TINY, seed)
        with torch.no_grad():
            reports = ours.judge(pictures(seed))
        flags, scores = theirs(peer, pictures(seed), monkeypatch)
        assert [one.flagged for one in reports] == flags
        for mine, other in zip(reports, scores, strict=True):
            assert [one.score for one in (*mine.special_care, *mine.concepts)] == pytest.approx(other, abs=1.1e-3)
            found.add((any(care.exceeds for care in mine.special_care), mine.flagged))
    assert len(found) == 4  # every combination came up


def test_a_special_care_hit_flags_what_was_just_below_as_in_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, peer = pair(TINY)
    picture = pictures(0)[:1]
    with torch.no_grad():
        special, concepts = ours(picture)
    for care, flagged in ((special[0] + 0.1, False), (special[0] - 0.1, True)):
        set_thresholds(peer, care, concepts[0] + 0.005)
        with torch.no_grad():
            assert ours.judge(picture)[0].flagged is flagged
        assert theirs(peer, picture, monkeypatch)[0] == [flagged]


def test_a_special_care_hit_makes_everything_after_it_stricter() -> None:
    quiet = report([0.1, 0.1, 0.1], [0.2] * 3, [0.195, 0.1], [0.2, 0.2])
    assert [one.score for one in quiet.concepts] == [-0.005, -0.1]
    assert not quiet.flagged
    strict = report([0.1, 0.21, 0.195], [0.2] * 3, [0.195, 0.1], [0.2, 0.2])
    assert [one.score for one in strict.special_care] == [-0.1, 0.01, 0.005]  # the second is hit, the third for it
    assert [one.score for one in strict.concepts] == [0.005, -0.09]
    assert strict.flagged
    late = report([0.195, 0.1, 0.21], [0.2] * 3, [0.1], [0.2])
    assert [one.exceeds for one in late.special_care] == [False, False, True]
    assert not late.flagged  # special care alone flags nothing


def test_a_score_is_rounded_before_it_is_compared() -> None:
    assert not report([], [], [0.2004], [0.2]).flagged
    assert report([], [], [0.2006], [0.2]).flagged


def test_a_report_reads_as_a_table() -> None:
    found = report([0.1], [0.2], [0.25, 0.1], [0.2, 0.2])
    lines = str(found).splitlines()
    assert lines[0] == "flagged: above the threshold of concept 0"
    assert [line.split() for line in lines[2:]] == [
        ["special", "care", "0", "0.100", "0.200", "-0.100"],
        ["concept", "0", "0.250", "0.200", "+0.050", "exceeds"],
        ["concept", "1", "0.100", "0.200", "-0.100"],
    ]
    assert report([0.1], [0.2], [0.17], [0.2]).summary == "not flagged: nearest is concept 0, 0.170 of 0.200"
    assert report([0.3], [0.2], [0.17], [0.2]).summary == "not flagged: above the threshold of special care 0"
    assert found.to_json() == {
        "flagged": True,
        "special_care": [[0.1, 0.2, -0.1]],
        "concepts": [[0.25, 0.2, 0.05], [0.1, 0.2, -0.1]],
    }


def test_half_precision_weights_are_judged_in_float32() -> None:
    ours, _ = pair(TINY)
    pixels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        special, concepts = ours.bfloat16()(pixels)
    assert (special.dtype, concepts.dtype, special.shape, concepts.shape) == (torch.float32,) * 2 + ((2, 3), (2, 17))
    assert math.isfinite(float(concepts.abs().max()))
