"""Reading a checkpoint: a single file, a diffusers folder, or a name on the hub."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import torch

from garasu.checkpoints import hub, probe
from garasu.checkpoints.build import build, part_config
from garasu.checkpoints.checkpoint import Checkpoint
from garasu.checkpoints.clip_vocabulary import tokenizer
from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.folder import open_folder
from garasu.checkpoints.names import PartName
from garasu.checkpoints.single import open_single
from garasu.checkpoints.source import Part, Prediction, Source
from garasu.images.feature_extractor import FeatureExtractor
from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.safety import SafetyChecker, SafetyConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig

SD2_V_SIZE = 96  # latent pixels: 768
OTHER_UNETS = {5: "a depth-to-image checkpoint", 7: "an upscaler", 8: "an InstructPix2Pix checkpoint"}


def read(
    source: str | Path,
    *,
    vae: str | Path | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device = "cpu",
    prediction: Prediction | None = None,
    ema: bool = False,
    variant: str | None = None,
    layout: torch.memory_format = torch.contiguous_format,
) -> Checkpoint:
    """Read a Stable Diffusion 1.x, 1.x-inpainting or 2.x checkpoint, or a smaller one of the same anatomy.

    Weights are windows onto the mapped file, or converted one at a time: memory holds them once.

    Args:
        source: a .safetensors or .ckpt file, a diffusers folder, or ``org/name`` on the hub.
        vae: take the VAE from here instead (a VAE file or folder, or a checkpoint that has one).
        dtype: of all weights but the safety checker's, whose scores need float32; None: as stored.
        prediction: what the U-Net predicts, if the files say nothing or the wrong thing.
        ema: take the averaged weights of a single file that holds both.
        variant: of a folder the files to take, such as ``fp16`` or ``non_ema``.
        layout: of the convolutions' weights in memory.

    Raises:
        CheckpointError: it cannot be read; the message names what is wrong with which file.
    """
    device = torch.device(device)
    opened = open_source(source, variant=variant, ema=ema)
    parts = dict(opened.parts)
    vae_source = open_source(vae) if vae is not None else None
    if vae_source is not None:
        parts["vae"] = _vae_part(vae_source)
    check(opened, parts)
    networks = {name: build(name, part, _dtype(name, dtype), device, layout) for name, part in parts.items()}
    unet, text_encoder = cast(UNet, networks["unet"]), cast(CLIPText, networks["text_encoder"])
    predicts = prediction or opened.prediction or _guess(unet)
    _set_native_size(unet, parts["unet"], predicts)
    return Checkpoint(
        unet=unet,
        vae=cast(VAE, networks["vae"]),
        text_encoder=text_encoder,
        image_encoder=cast(CLIPVision | None, networks.get("image_encoder")),
        safety_checker=cast(SafetyChecker | None, networks.get("safety_checker")),
        feature_extractor=opened.feature_extractor or FeatureExtractor(),
        tokenizer=tokenizer(
            opened.tokenizer,
            vocab_size=text_encoder.config.vocab_size,
            openclip=unet.config.linear_projection,
        ),
        prediction=predicts,
        betas=opened.betas,
        name=opened.path.stem if opened.path.is_file() else _folder_name(source, opened.path),
        source=opened.path,
        vae_source=vae_source.path if vae_source else None,
        files=tuple(file for file in opened.files if file.parent.name != "safety_checker"),
    )


def read_vae(
    source: str | Path, *, dtype: torch.dtype | None = None, device: str | torch.device = "cpu"
) -> VAE:  # fmt: skip
    """The VAE of a VAE file or folder, of a checkpoint, or of a name on the hub.

    Raises:
        CheckpointError: it cannot be read or holds none.
    """
    return cast(VAE, build("vae", _vae_part(open_source(source)), dtype, torch.device(device)))


def open_source(source: str | Path, *, variant: str | None = None, ema: bool = False) -> Source:
    """Open files without building anything.

    Raises:
        CheckpointError: there is no such file, folder or name, or it cannot be read.
    """
    path = Path(source)
    if not path.exists() and hub.is_name(str(source)):
        path = hub.checkpoint(str(source), variant=variant)
    if path.is_dir():
        if ema:
            raise CheckpointError(f"{path} is a folder: pick its averaged weights by variant, not by ema.")
        return open_folder(path, variant=variant)
    return open_single(path, ema=ema)


def check(source: Source, parts: dict[PartName, Part]) -> None:
    """Everything that is wrong with a checkpoint and shows before its networks are built.

    Raises:
        CheckpointError: it is something else, lacks a part, has keys left over, or its parts do not fit together.
    """
    if source.foreign:
        raise CheckpointError(
            f"{source.path} is {source.foreign}, which garasu does not read: name a Stable Diffusion 1.x or 2.x."
        )
    needed: tuple[PartName, ...] = ("unet", "vae", "text_encoder")
    if missing := [name for name in needed if name not in parts]:
        swap = " (name one with vae=)" if missing == ["vae"] else ""
        raise CheckpointError(f"{source.path} has no {listed(missing)}{swap}: it is not a whole checkpoint.")
    if source.unknown:
        raise CheckpointError(f"{source.path} holds keys that belong to no part: {listed(source.unknown)}.")
    _check_fit(source, parts)


def _check_fit(source: Source, parts: dict[PartName, Part]) -> None:
    unet = cast(UNetConfig, part_config("unet", parts["unet"]))
    vae = cast(VAEConfig, part_config("vae", parts["vae"]))
    text = cast(CLIPTextConfig, part_config("text_encoder", parts["text_encoder"]))
    if unet.in_channels not in (unet.out_channels, 2 * unet.out_channels + 1):
        what = OTHER_UNETS.get(unet.in_channels, "something else")
        raise CheckpointError(
            f"{source.path}: a U-Net of {unet.in_channels} input channels is {what}, which garasu does not support; "
            "it reads those of 4 and, for inpainting, 9."
        )
    pairs = (
        ("the U-Net reads words of width", unet.context_width, "the text encoder gives", text.width),
        ("the U-Net's latents have channels", unet.out_channels, "the VAE's have", vae.latent_channels),
    )
    for one, a, other, b in pairs:
        if a != b:
            raise CheckpointError(f"{source.path}: its parts do not fit together: {one} {a}, {other} {b}.")
    if "safety_checker" in parts:
        checker = cast(SafetyConfig, part_config("safety_checker", parts["safety_checker"]))
        crop = (source.feature_extractor or FeatureExtractor()).crop
        if checker.vision.image_size != crop:
            raise CheckpointError(
                f"{source.path}: its parts do not fit together: the safety checker sees {checker.vision.image_size} "
                f"pixels a side, the feature extractor gives {crop}."
            )


def _dtype(name: PartName, dtype: torch.dtype | None) -> torch.dtype | None:
    return torch.float32 if name == "safety_checker" and dtype is not None else dtype


def _vae_part(source: Source) -> Part:
    if "vae" not in source.parts:
        raise CheckpointError(f"{source.path} holds no VAE{f' but {source.foreign}' if source.foreign else ''}.")
    return source.parts["vae"]


def _guess(unet: UNet) -> Prediction:
    """Nothing was written down: SD 1.x and inpainting predict ε; of SD 2.x there are both, so ask the network."""
    config = unet.config
    return probe.prediction(unet) if config.linear_projection and config.in_channels == 4 else "epsilon"


def _set_native_size(unet: UNet, part: Part, predicts: Prediction) -> None:
    """Stable Diffusion 2.x comes in two sizes, of which the one that predicts v is that for 768 pixels."""
    if "sample_size" not in part.known and unet.config.linear_projection and predicts == "v_prediction":
        unet.config = replace(unet.config, sample_size=SD2_V_SIZE)


def _folder_name(source: str | Path, path: Path) -> str:
    """A hub name's last member; the cache's own folder is named after a commit."""
    return (str(source).rstrip("/").rpartition("/")[2] if path != Path(source) else path.resolve().name) or "model"
