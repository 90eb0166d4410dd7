"""A safety checker in a folder: as published, as transformers writes it today, and as we write it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.checkpoints.models import quietly
from tests.networks.test_safety import TINY, pair, pictures
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from garasu.checkpoints import CheckpointError, read, write_file, write_folder, xray
from garasu.images.feature_extractor import FeatureExtractor
from garasu.networks.safety import SafetyChecker

EXTRACTOR = FeatureExtractor(size=30, crop=28, mean=(0.4, 0.5, 0.6))


def saved(sd1_folder: Path, folder: Path, seed: int = 0, **options: Any) -> tuple[Path, SafetyChecker]:
    """A folder that diffusers saved, and in it a checker that transformers saved, whose twin is given back."""
    shutil.copytree(sd1_folder, folder)
    ours, peer = pair(TINY, seed)
    quietly(peer.save_pretrained, folder / "safety_checker", **options)
    (folder / "feature_extractor").mkdir()
    said = {"crop_size": 28, "image_mean": [0.4, 0.5, 0.6], "resample": 3, "size": 30}  # as in 2022
    (folder / "feature_extractor" / "preprocessor_config.json").write_text(json.dumps(said))
    return folder, ours


def published(folder: Path) -> None:
    """Rename to the keys of every published file, a buffer included."""
    file = folder / "safety_checker" / "model.safetensors"
    weights = {
        f"vision_model.{key}" if key.startswith("vision_model.") else key: value
        for key, value in load_file(file).items()
    }
    weights["vision_model.vision_model.embeddings.position_ids"] = torch.arange(5)[None]
    save_file(weights, file)


def says_the_same(one: SafetyChecker | None, other: SafetyChecker) -> bool:
    assert one is not None
    with torch.no_grad():
        return one.judge(pictures(0)) == other.judge(pictures(0))


@pytest.mark.parametrize("names", ["published", "transformers 5"])
def test_it_is_read_by_its_old_and_its_new_names(names: str, sd1_folder: Path, tmp_path: Path) -> None:
    folder, ours = saved(sd1_folder, tmp_path / "model")
    if names == "published":
        published(folder)
    checkpoint = read(folder)
    assert checkpoint.safety_checker is not None
    assert checkpoint.safety_checker.config == TINY
    assert checkpoint.feature_extractor == EXTRACTOR
    assert says_the_same(checkpoint.safety_checker, ours)
    assert xray(folder).parts["safety_checker"].parameters == sum(one.numel() for one in ours.parameters())
    assert xray(folder).problems == ()


def test_it_is_no_part_of_what_makes_a_picture(sd1_folder: Path, tmp_path: Path) -> None:
    folder, _ = saved(sd1_folder, tmp_path / "model")
    assert read(folder).hash == read(sd1_folder).hash


def test_bin_and_variants(sd1_folder: Path, tmp_path: Path) -> None:
    folder, ours = saved(sd1_folder, tmp_path / "model")
    file = folder / "safety_checker" / "model.safetensors"
    torch.save(load_file(file), folder / "safety_checker" / "pytorch_model.bin")
    file.rename(file.with_name("model.fp16.safetensors"))
    assert says_the_same(read(folder).safety_checker, ours)
    (folder / "safety_checker" / "pytorch_model.bin").unlink()
    assert says_the_same(read(folder).safety_checker, ours)
    unet = folder / "unet" / "diffusion_pytorch_model.safetensors"
    for part in (unet, folder / "vae" / unet.name, folder / "text_encoder" / "model.safetensors"):
        part.rename(part.with_suffix(".ema.safetensors"))
    assert says_the_same(read(folder, variant="ema").safety_checker, ours)  # which the checker has not


def test_without_weights_there_is_none(sd1_folder: Path, tmp_path: Path) -> None:
    folder, _ = saved(sd1_folder, tmp_path / "model")
    (folder / "safety_checker" / "model.safetensors").unlink()
    assert read(folder).safety_checker is None
    assert read(sd1_folder).safety_checker is None


def test_scores_stay_float32_whatever_the_model_computes_in(sd1_folder: Path, tmp_path: Path) -> None:
    folder, ours = saved(sd1_folder, tmp_path / "model")
    checkpoint = read(folder, dtype=torch.bfloat16)
    assert checkpoint.unet.conv_in.bias.dtype == torch.bfloat16
    assert says_the_same(checkpoint.safety_checker, ours)


def test_it_is_kept_in_a_folder_which_diffusers_loads(sd1_folder: Path, tmp_path: Path) -> None:
    folder, ours = saved(sd1_folder, tmp_path / "model")
    checkpoint = read(folder)
    write_folder(checkpoint, tmp_path / "out")
    back = read(tmp_path / "out")
    assert back.feature_extractor == EXTRACTOR
    assert says_the_same(back.safety_checker, ours)
    keys = load_file(tmp_path / "out" / "safety_checker" / "model.safetensors")
    assert "vision_model.vision_model.embeddings.class_embedding" in keys  # as published, for every transformers

    index = json.loads((tmp_path / "out" / "model_index.json").read_text())
    assert index["safety_checker"] == ["stable_diffusion", "StableDiffusionSafetyChecker"]
    assert index["feature_extractor"] == ["transformers", "CLIPImageProcessor"]
    extractor = CLIPImageProcessorPil.from_pretrained(tmp_path / "out" / "feature_extractor")  # without torchvision
    theirs = quietly(StableDiffusionPipeline.from_pretrained, tmp_path / "out", feature_extractor=extractor)
    picture = Image.linear_gradient("L").convert("RGB").resize((64, 40))
    pixels = extractor(picture, return_tensors="pt")["pixel_values"]
    assert (pixels - checkpoint.feature_extractor([picture])).abs().max() < 1e-5
    with torch.no_grad():
        _, flags = theirs.safety_checker(clip_input=pictures(0), images=[torch.zeros(3, 4, 4)] * 12)
        assert flags == [one.flagged for one in ours.judge(pictures(0))]


def test_a_single_file_has_no_place_for_it(sd1_folder: Path, tmp_path: Path) -> None:
    folder, _ = saved(sd1_folder, tmp_path / "model")
    write_file(read(folder), tmp_path / "out.safetensors")
    assert read(tmp_path / "out.safetensors").safety_checker is None


def test_every_key_is_accounted_for(sd1_folder: Path, tmp_path: Path) -> None:
    folder, _ = saved(sd1_folder, tmp_path / "model")
    file = folder / "safety_checker" / "model.safetensors"
    weights = load_file(file)
    save_file(weights | {"surprise": torch.zeros(3)}, file)
    with pytest.raises(CheckpointError, match="not those of a safety_checker: left over surprise"):
        read(folder)
    save_file({key: value for key, value in weights.items() if key != "concept_embeds_weights"}, file)
    with pytest.raises(CheckpointError, match="missing concept_embeds_weights"):
        read(folder)
    save_file(weights | {"special_care_embeds": torch.zeros(3, 5)}, file)
    with pytest.raises(CheckpointError, match=r"wrong shape special_care_embeds \[3, 5\]"):
        read(folder)
    save_file(weights | {"concept_embeds": torch.zeros(17)}, file)
    with pytest.raises(CheckpointError, match="shapes that no such network has"):
        read(folder)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"do_normalize": False}, "do_normalize = false is not supported"),
        ({"size": {"width": 5}}, "is not a CLIP preprocessor's"),
        ({"size": "large"}, "a side of 'large'"),
        ({"image_mean": [1, 2]}, "is not a CLIP preprocessor's"),
        ({"resample": 77}, "77"),
        ({}, "the safety checker sees 28 pixels a side, the feature extractor gives 224"),
    ],
)
def test_a_feature_extractor_that_does_not_fit(
    said: dict[str, Any], sentence: str, sd1_folder: Path, tmp_path: Path
) -> None:
    folder, _ = saved(sd1_folder, tmp_path / "model")
    (folder / "feature_extractor" / "preprocessor_config.json").write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match=sentence):
        read(folder)


def test_without_a_feature_extractor_it_is_clips_own(sd1_folder: Path, tmp_path: Path) -> None:
    folder, _ = saved(sd1_folder, tmp_path / "model")
    shutil.rmtree(folder / "feature_extractor")
    with pytest.raises(CheckpointError, match="sees 28 pixels a side, the feature extractor gives 224"):
        read(folder)
