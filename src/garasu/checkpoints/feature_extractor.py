"""feature_extractor/preprocessor_config.json ↔ how pictures are made ready for a safety checker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from garasu.checkpoints.errors import CheckpointError
from garasu.images.feature_extractor import FeatureExtractor

ALWAYS = ("do_resize", "do_center_crop", "do_normalize")


def from_json(json: Mapping[str, Any], where: str) -> FeatureExtractor:
    """What a preprocessor_config.json says, in the spellings of old and new transformers.

    Raises:
        CheckpointError: it is damaged, or asks for something else than scaling, cutting and normalising.
    """
    if off := [option for option in ALWAYS if not json.get(option, True)]:
        raise CheckpointError(f"{where}: {off[0]} = false is not supported; take Stable Diffusion 1.x's own file.")
    default = FeatureExtractor()
    try:
        return FeatureExtractor(
            size=_side(json.get("size", default.size), "shortest_edge"),
            crop=_side(json.get("crop_size", default.crop), "height"),
            mean=_channels(json.get("image_mean", default.mean)),
            std=_channels(json.get("image_std", default.std)),
            resample=Image.Resampling(json.get("resample", default.resample)),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise CheckpointError(f"{where} is not a CLIP preprocessor's ({problem}): download it again.") from None


def to_json(extractor: FeatureExtractor) -> dict[str, Any]:
    """A preprocessor_config.json that old and new transformers read."""
    return {
        "crop_size": {"height": extractor.crop, "width": extractor.crop},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": list(extractor.mean),
        "image_processor_type": "CLIPImageProcessor",
        "image_std": list(extractor.std),
        "resample": int(extractor.resample),
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": extractor.size},
    }


def _side(said: object, name: str) -> int:
    side = said[name] if isinstance(said, Mapping) else said
    if not isinstance(side, int) or side < 1:
        raise ValueError(f"a side of {side!r}")
    return side


def _channels(said: Any) -> tuple[float, float, float]:
    red, green, blue = said
    return float(red), float(green), float(blue)
