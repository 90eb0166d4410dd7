"""A checkpoint that was opened but not yet built: its parts' tensors, and what was written down about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from garasu.checkpoints.betas import Betas
from garasu.checkpoints.names import Layout, PartName
from garasu.images.feature_extractor import FeatureExtractor

Prediction = Literal["epsilon", "v_prediction"]

BUFFERS = re.compile(
    r"(betas|alphas_cumprod|alphas_cumprod_prev|sqrt_.*|log_one_minus_.*|posterior_.*|lvlb_weights|logvar|scale_factor)"
    r"|.*\bposition_ids|.*\battn_mask|.*\blogit_scale"
    r"|model_ema\.(decay|num_updates)|(first_stage_model\.)?loss\..*|(safety_checker|feature_extractor)\..*"
    # Stable Diffusion 2.x reads OpenCLIP-H's last layer but one, so its 24th and its projection are never run.
    r"|cond_stage_model\.model\.(text_projection|transformer\.resblocks\.23\..*)"
)


@dataclass(frozen=True)
class Part:
    """One network's tensors under their keys without prefix, in today's spelling."""

    weights: Mapping[str, Tensor]
    layout: Layout
    where: str  # for messages
    known: Mapping[str, Any] = field(default_factory=dict)  # configuration fields that were written down
    mapped: bool = True  # the tensors are windows onto files


@dataclass(frozen=True)
class Source:
    """A checkpoint as files."""

    path: Path
    files: tuple[Path, ...]
    parts: Mapping[PartName, Part]
    layout: str
    prediction: Prediction | None = None  # None: not written down
    betas: Betas = field(default_factory=Betas)
    tokenizer: Path | Mapping[str, str] | None = None  # a tokenizer/ folder, or its files' texts by name
    feature_extractor: FeatureExtractor | None = None  # of a folder whose safety checker has one
    known_extras: tuple[str, ...] = ()  # keys that are rightly not weights of a part
    unknown: tuple[str, ...] = ()  # keys that nobody can account for
    ema: bool = False  # it holds averaged weights beside the trained ones
    foreign: str | None = None  # what else it is ("an SDXL checkpoint")


def is_buffer(key: str) -> bool:
    """Whether a key is known not to be a weight: schedules, counters, masks, other networks' leftovers."""
    return BUFFERS.fullmatch(key) is not None


def layout_of(part: PartName, keys: Iterable[str]) -> Layout:
    """Whose names a part's keys are."""
    telling = {
        "unet": r"input_blocks\.",
        "vae": r"(encoder|decoder)\.(mid|down|up)\.",
        "text_encoder": "transformer.res",
    }
    pattern = telling.get(part)
    if pattern is None or not any(re.match(pattern, key) for key in keys):
        return "diffusers"
    return "openclip" if part == "text_encoder" else "ldm"
