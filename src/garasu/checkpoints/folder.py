"""Diffusers folders: a subfolder for each part, with variants, shards, safetensors or .bin."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from garasu.checkpoints import betas, configs, feature_extractor, kinds, names
from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.files import open_weights
from garasu.checkpoints.names import PartName
from garasu.checkpoints.source import Part, Prediction, Source, is_buffer, layout_of
from garasu.images.feature_extractor import FeatureExtractor

PARTS: tuple[PartName, ...] = ("unet", "vae", "text_encoder", "image_encoder")
STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
CLASSES: Mapping[str, PartName] = {"AutoencoderKL": "vae", "UNet2DConditionModel": "unet"}
VARIANTS = ("", "fp16", "bf16", "fp32", "ema", "non_ema")  # in order of preference


def open_folder(path: Path, *, variant: str | None = None) -> Source:
    """A checkpoint folder, or the folder of one part alone (a VAE).

    Args:
        variant: the files to take where there are several, such as ``fp16`` or ``non_ema``; None: the unnamed ones,
            or whichever there are.

    Raises:
        CheckpointError: it is no such folder, or a part of it is damaged or incomplete.
    """
    folders = {part: path / part for part in PARTS if (path / part).is_dir()} or _alone(path)
    if (checker := path / "safety_checker").is_dir() and _holds_weights(checker):
        folders["safety_checker"] = checker
    opened = {part: _open_part(part, folder, variant) for part, folder in folders.items()}
    files = tuple(file for _, found in opened.values() for file in found)
    parts = {part: opened_part for part, (opened_part, _) in opened.items()}
    every = (key for part in parts.values() for key in part.weights)
    foreign = "an SDXL checkpoint" if (path / "text_encoder_2").is_dir() else kinds.foreign(every)
    source = Source(path, files, parts, "diffusers folder", foreign=foreign)
    return replace(_with_scheduler(source), tokenizer=_tokenizer(path), feature_extractor=_feature_extractor(path))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object in a file.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON ({error}): download it again.") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object: download it again.")
    return content


def weight_files(folder: Path, variant: str | None) -> list[Path]:
    """The file of weights in a part's folder, or its shards.

    Raises:
        CheckpointError: there are none (of this variant), or shards are missing.
    """
    name = chosen(_file_names(folder), variant)
    if name is not None:
        return _shards(folder / name) if name.endswith(".json") else [folder / name]
    wanted = f"no weights of the variant {variant!r}" if variant else "no weights"
    raise CheckpointError(f"{folder} holds {wanted}: expected {STEMS[0]}.safetensors or {STEMS[1]}.safetensors.")


def chosen(names: Collection[str], variant: str | None = None) -> str | None:
    """Of the files in a part's folder the one to read: weights, or the index of their shards."""
    for name in (variant,) if variant is not None else VARIANTS:
        for pair in _candidates(name):
            if found := next((file for file in pair if file in names), None):
                return found
    return None


def _alone(path: Path) -> dict[PartName, Path]:
    if not path.is_dir():
        raise CheckpointError(f"{path} is not a folder.")
    config = read_json(path / "config.json") if (path / "config.json").is_file() else {}
    part = CLASSES.get(config.get("_class_name", ""))
    if part is None:
        raise CheckpointError(
            f"{path} is not a diffusers folder (it has no unet/, vae/ or text_encoder/); name such a folder or a file."
        )
    return {part: path}


def _open_part(part: PartName, folder: Path, variant: str | None) -> tuple[Part, list[Path]]:
    config = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
    if part == "safety_checker" and not _holds_weights(folder, variant):
        variant = None  # variants are asked for because of the U-Net
    files = weight_files(folder, variant)
    weights: dict[str, Tensor] = {}
    opened = [open_weights(file) for file in files]
    for found in opened:
        weights |= {names.modern(part, key): tensor for key, tensor in found.tensors.items() if not is_buffer(key)}
    known = configs.known(part, config, str(folder / "config.json"))
    mapped = all(found.mapped for found in opened)
    return Part(weights, layout_of(part, weights), str(folder), known, mapped), files


def _candidates(variant: str) -> Iterator[tuple[str, str]]:
    """Names of the whole file and of the index of shards, safetensors before pickles."""
    dotted = f".{variant}" if variant else ""
    for suffix in ("safetensors", "bin"):
        for stem in STEMS:
            yield f"{stem}{dotted}.{suffix}", f"{stem}.{suffix}.index{dotted}.json"


def _shards(index: Path) -> list[Path]:
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"{index} holds no weight_map: download it again.")
    shards = sorted(set(table.values()))
    if absent := [name for name in shards if re.search(r"[/\\]", name) or not (index.parent / name).is_file()]:
        raise CheckpointError(f"{index.parent} lacks the shard {absent[0]} that its index names: download it again.")
    return [index.parent / name for name in shards]


def _with_scheduler(source: Source) -> Source:
    path = source.path / "scheduler" / "scheduler_config.json"
    if not path.is_file():
        return source
    config = read_json(path)
    said = config.get("prediction_type", "epsilon")
    kinds_of: dict[str, Prediction] = {"epsilon": "epsilon", "v_prediction": "v_prediction"}
    if said not in kinds_of:
        raise CheckpointError(f"{path}: prediction_type {said!r} is not supported, only epsilon and v_prediction.")
    return replace(source, prediction=kinds_of[said], betas=betas.from_config(config, str(path)))


def _tokenizer(path: Path) -> Path | None:
    return path / "tokenizer" if (path / "tokenizer").is_dir() else None


def _feature_extractor(path: Path) -> FeatureExtractor | None:
    file = path / "feature_extractor" / "preprocessor_config.json"
    return feature_extractor.from_json(read_json(file), str(file)) if file.is_file() else None


def _holds_weights(folder: Path, variant: str | None = None) -> bool:
    return chosen(_file_names(folder), variant) is not None


def _file_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}
