"""Writing a checkpoint: a folder that diffusers loads, or a single file that diffusers and A1111 load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from garasu.checkpoints import configs, feature_extractor
from garasu.checkpoints.build import Network
from garasu.checkpoints.checkpoint import Checkpoint
from garasu.checkpoints.clip_vocabulary import CLIP_SIZE, texts
from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.header import Header, write
from garasu.checkpoints.names import Layout, PartName
from garasu.checkpoints.outgoing import outgoing, shards
from garasu.checkpoints.safetensors_file import Outgoing, write_tensors
from garasu.networks.vae import VAE
from garasu.prompts.tokenizer import Tokenizer

STEM: Mapping[PartName, str] = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "image_encoder": "model",
    "safety_checker": "model",
}


def write_folder(
    checkpoint: Checkpoint,
    path: str | Path,
    *,
    dtype: torch.dtype | None = None,
    max_shard_bytes: int | None = None,
) -> None:
    """Write a diffusers folder, which is there as a whole or not at all.

    Args:
        path: a new folder, or a checkpoint folder to replace.
        dtype: of all weights; None: as they are.
        max_shard_bytes: split each part's weights into files of at most this size; None: one file a part.

    Raises:
        CheckpointError: ``path`` exists and is something else than a checkpoint folder.
    """
    path = Path(path)
    with _whole_folder(path) as beside:
        networks = _networks(checkpoint)
        if checkpoint.safety_checker is not None:
            networks["safety_checker"] = checkpoint.safety_checker
            (beside / "feature_extractor").mkdir()
            told = feature_extractor.to_json(checkpoint.feature_extractor)
            _write_json(beside / "feature_extractor" / "preprocessor_config.json", told)
        for name, network in networks.items():
            (beside / name).mkdir()
            _write_json(beside / name / "config.json", configs.to_json(network.config) | _ids(checkpoint, name))
            _write_shards(beside / name, STEM[name], outgoing(network, "diffusers", dtype), max_shard_bytes)
        checkpoint.tokenizer.save(beside / "tokenizer")
        (beside / "scheduler").mkdir()
        _write_json(beside / "scheduler" / "scheduler_config.json", _scheduler(checkpoint))
        _write_json(beside / "model_index.json", _model_index(checkpoint))


def write_vae(vae: VAE, path: str | Path, *, dtype: torch.dtype | None = None) -> None:
    """Write a VAE alone, as a folder that `read_vae`, `--vae` and diffusers' AutoencoderKL load.

    Raises:
        CheckpointError: ``path`` exists and is something else than a checkpoint folder.
    """
    with _whole_folder(Path(path), holding=f"{STEM['vae']}.safetensors") as beside:
        _write_json(beside / "config.json", configs.to_json(vae.config))
        _write_shards(beside, STEM["vae"], outgoing(vae, "diffusers", dtype), None)


def write_file(checkpoint: Checkpoint, path: str | Path, *, dtype: torch.dtype | None = None) -> None:
    """Write one .safetensors file with CompVis names (OpenCLIP's, for the text encoder of SD 2.x).

    What other tools take from their own configuration files (heads, scaling, prediction, a vocabulary that is not
    CLIP's) goes into the header, from which ``read`` takes it back.
    A safety checker has no place in such a file and is left out.

    Raises:
        CheckpointError: the name does not end in .safetensors.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path}: a single file is written as safetensors, so name it {path.stem}.safetensors.")
    places: Mapping[PartName, tuple[str, Layout]] = {
        "unet": ("model.diffusion_model.", "ldm"),
        "vae": ("first_stage_model.", "ldm"),
        "text_encoder": (
            ("cond_stage_model.model.", "openclip")
            if checkpoint.unet.config.linear_projection
            else ("cond_stage_model.transformer.", "diffusers")
        ),
        "image_encoder": ("image_encoder.", "diffusers"),
    }
    tensors: dict[str, Outgoing] = {}
    for name, network in _networks(checkpoint).items():
        prefix, layout = places[name]
        tensors |= outgoing(network, layout, dtype, prefix)
    write_tensors(path, tensors, _metadata(checkpoint))


def _networks(checkpoint: Checkpoint) -> dict[PartName, Network]:
    networks: dict[PartName, Network] = {
        "unet": checkpoint.unet, "vae": checkpoint.vae, "text_encoder": checkpoint.text_encoder
    }  # fmt: skip
    if checkpoint.image_encoder is not None:
        networks["image_encoder"] = checkpoint.image_encoder
    return networks


def _write_shards(folder: Path, stem: str, tensors: Mapping[str, Outgoing], most: int | None) -> None:
    """One file, or several with the index by which diffusers and transformers find them."""
    groups = list(shards(tensors, most))
    if len(groups) == 1:
        write_tensors(folder / f"{stem}.safetensors", groups[0], {})
        return
    files = [f"{stem}-{i:05}-of-{len(groups):05}.safetensors" for i in range(1, len(groups) + 1)]
    for file, group in zip(files, groups, strict=True):
        write_tensors(folder / file, group, {})
    total = sum(tensor.size for tensor in tensors.values())
    table = {key: file for file, group in zip(files, groups, strict=True) for key in group}
    index = {"metadata": {"total_size": total}, "weight_map": table}
    _write_json(folder / f"{stem}.safetensors.index.json", index)


def _ids(checkpoint: Checkpoint, name: PartName) -> dict[str, int]:
    """The special tokens, which a text encoder's config.json repeats."""
    tokenizer: Tokenizer = checkpoint.tokenizer
    if name != "text_encoder":
        return {}
    return {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}


def _scheduler(checkpoint: Checkpoint) -> dict[str, Any]:
    betas = checkpoint.betas
    return {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": configs.DIFFUSERS_VERSION,
        "beta_end": betas.end,
        "beta_schedule": betas.kind,
        "beta_start": betas.start,
        "clip_sample": False,
        "num_train_timesteps": betas.length,
        "prediction_type": checkpoint.prediction,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "trained_betas": None,
    }


def _model_index(checkpoint: Checkpoint) -> dict[str, Any]:
    inpaints = checkpoint.unet.config.in_channels == 9
    vision = ["transformers", "CLIPVisionModelWithProjection"] if checkpoint.image_encoder else [None, None]
    checks = checkpoint.safety_checker is not None
    return {
        "_class_name": "StableDiffusionInpaintPipeline" if inpaints else "StableDiffusionPipeline",
        "_diffusers_version": configs.DIFFUSERS_VERSION,
        "feature_extractor": ["transformers", "CLIPImageProcessor"] if checks else [None, None],
        "image_encoder": vision,
        "requires_safety_checker": checks,
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"] if checks else [None, None],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """What shapes do not show, for ourselves; and the prediction type as Stability's model specification spells it."""
    networks = _networks(checkpoint).items()
    header = Header(
        prediction=checkpoint.prediction,
        betas=checkpoint.betas,
        tokenizer=texts(checkpoint.tokenizer) if checkpoint.tokenizer.vocab_size != CLIP_SIZE else None,
        **{name: configs.known(name, configs.to_json(network.config), name) for name, network in networks},
    )
    spelled = {"epsilon": "epsilon", "v_prediction": "v"}[checkpoint.prediction]
    return {**write(header), "modelspec.prediction_type": spelled}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def _whole_folder(path: Path, holding: str = "model_index.json") -> Iterator[Path]:
    """A folder beside ``path`` to fill, which takes its place at the end and vanishes on any failure.

    What is at ``path`` must be nothing, empty, or a folder ``holding`` the file of its kind.
    """
    if path.exists() and not (path / holding).is_file() and (path.is_file() or any(path.iterdir())):
        raise CheckpointError(f"{path} exists and is no checkpoint folder, so it is left alone: name a new folder.")
    beside, before = (path.parent / f".{path.name}.{state}" for state in ("partial", "before"))
    shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed
    beside.mkdir(parents=True)
    try:
        yield beside
        if path.exists():
            shutil.rmtree(before, ignore_errors=True)
            path.rename(before)
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)
