"""A network's configuration from the shapes of its weights.

Counts of keys give levels, layers and which levels read words; then the rename table applies, and shapes under our
names give the rest. What shapes cannot show (heads, groups, activation, scaling) comes from ``known``, which the
caller takes from a config.json, and otherwise from the rule of the Stable Diffusion that has these shapes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from garasu.checkpoints import names
from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.names import Config, Layout, PartName, Stored
from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.safety import SafetyConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
Known = Mapping[str, Any]

SD1_HEADS = 8
HEAD_WIDTH = 64  # of SD 2.x's U-Net and of every CLIP that OpenAI or LAION trained
GROUPS = 32


def config(part: PartName, layout: Layout, shapes: Shapes, known: Known, where: str) -> Config:
    """The configuration of one part of a checkpoint.

    Args:
        shapes: the part's keys in today's spelling, without a prefix.
        known: fields that were written down, such as ``heads``; they win over the rules.
        where: the file or folder, for the error message.

    Raises:
        CheckpointError: keys that every such network has are not there, or the numbers fit no network of ours.
    """
    makers: Mapping[PartName, Callable[[Layout, Shapes, Known], Config]] = {
        "unet": unet,
        "vae": vae,
        "text_encoder": text,
        "image_encoder": vision,
        "safety_checker": safety,
    }
    if empty := [key for key, shape in shapes.items() if 0 in shape]:
        raise CheckpointError(f"{where}: weights of the {part} are empty: {listed(empty)}; the file is damaged.")
    try:
        return makers[part](layout, shapes, known)
    except KeyError as missing:
        raise CheckpointError(f"{where}: the {part} lacks {missing.args[0]}; the file is incomplete.") from None
    except (IndexError, _OddShapesError) as error:
        raise CheckpointError(
            f"{where}: the {part}'s weights have shapes that no such network has ({error})."
        ) from None


def unet(layout: Layout, shapes: Shapes, known: Known) -> UNetConfig:
    """SD 1.x, 1.x-inpainting, 2.x and smaller ones of the same anatomy."""
    levels, layers, attention = (_unet_ldm if layout == "ldm" else _unet_diffusers)(shapes)
    if levels * layers > max(len(shapes), 1):
        raise _OddShapesError(f"{layers} layers a level are more than there are keys")
    told = shapes.get("time_embed.cond_proj.weight" if layout == "ldm" else "time_embedding.cond_proj.weight")
    guidance_width = None if told is None else _dimensions(told, 2)[1]
    blank = UNetConfig(channels=(0,) * levels, layers=layers, attention=attention, guidance_width=guidance_width)
    mine = _mine(blank, layout, shapes)
    channels = tuple(mine[f"down.{i}.resnets.0.conv1.weight"][0] for i in range(levels))
    linear = len(mine["middle.transformers.0.proj_in.weight"]) == 2
    return UNetConfig(
        in_channels=mine["conv_in.weight"][1],
        out_channels=mine["conv_out.weight"][0],
        channels=channels,
        layers=layers,
        attention=attention,
        heads=_heads(channels, attention, linear, known.get("heads")),
        context_width=mine["middle.transformers.0.blocks.0.cross_attention.to_k.weight"][1],
        linear_projection=linear,
        groups=_groups(channels, known),
        sample_size=known.get("sample_size", UNetConfig.sample_size),
        guidance_width=guidance_width,
    )


def vae(layout: Layout, shapes: Shapes, known: Known) -> VAEConfig:
    """Stable Diffusion's VAE at any size."""
    level, layer = ("down", "block") if layout == "ldm" else ("down_blocks", "resnets")
    levels = _count(shapes, rf"encoder\.{level}\.(\d+)\.")
    layers = _count(shapes, rf"encoder\.{level}\.0\.{layer}\.(\d+)\.")
    mine = _mine(VAEConfig(channels=(0,) * levels, layers=layers), layout, shapes)
    channels = tuple(mine[f"encoder.down.{i}.resnets.0.conv1.weight"][0] for i in range(levels))
    return VAEConfig(
        in_channels=mine["encoder.conv_in.weight"][1],
        latent_channels=mine["decoder.conv_in.weight"][1],
        channels=channels,
        layers=layers,
        groups=_groups(channels, known),
        scaling_factor=known.get("scaling_factor", VAEConfig.scaling_factor),
    )


def text(layout: Layout, shapes: Shapes, known: Known) -> CLIPTextConfig:
    """CLIP's text tower, OpenAI's or OpenCLIP's."""
    layers = _count(shapes, r"resblocks\.(\d+)\." if layout == "openclip" else r"encoder\.layers\.(\d+)\.")
    mine = _mine(CLIPTextConfig(layers=layers), layout, shapes)
    vocab_size, width = _dimensions(mine["token_embedding.weight"], 2)
    projection = None if layout == "openclip" else mine.get("projection.weight")
    return CLIPTextConfig(
        vocab_size=vocab_size,
        width=width,
        layers=layers,
        heads=known.get("heads") or max(width // HEAD_WIDTH, 1),
        mlp_width=mine["layers.0.feed_forward.proj_in.weight"][0],
        max_length=mine["position_embedding.weight"][0],
        activation=known.get("activation") or ("gelu" if layout == "openclip" or width == 1024 else "quick_gelu"),
        projection_width=projection[0] if projection else None,
    )


def vision(layout: Layout, shapes: Shapes, known: Known) -> CLIPVisionConfig:
    """CLIP's vision tower."""
    layers = _count(shapes, r"encoder\.layers\.(\d+)\.")
    mine = _mine(CLIPVisionConfig(layers=layers), layout, shapes)
    width, _, patch_size, _ = _dimensions(mine["patch_embedding.weight"], 4)
    side = math.isqrt(max(mine["position_embedding.weight"][0] - 1, 0))
    return CLIPVisionConfig(
        image_size=known.get("image_size", side * patch_size),
        patch_size=patch_size,
        width=width,
        layers=layers,
        heads=known.get("heads") or max(width // HEAD_WIDTH, 1),
        mlp_width=mine["layers.0.feed_forward.proj_in.weight"][0],
        activation=known.get("activation", "quick_gelu"),
        projection_width=mine["projection.weight"][0],
    )


def safety(layout: Layout, shapes: Shapes, known: Known) -> SafetyConfig:
    """A safety checker around CLIP's vision tower."""
    tower = {key.removeprefix("vision_model."): shape for key, shape in shapes.items()}
    return SafetyConfig(
        vision=vision(layout, tower, known),
        concepts=_dimensions(shapes["concept_embeds"], 2)[0],
        special_care=_dimensions(shapes["special_care_embeds"], 2)[0],
    )


def shown(shape: Shape, place: Stored) -> Shape:
    """The shape of our parameter, given the shape that the file keeps it in."""
    if place.third is not None:
        return (shape[0] // 3, *shape[1:])
    if place.pointwise and len(shape) == 4 and shape[2:] == (1, 1):
        return shape[:2]
    return shape[::-1] if place.transposed else shape


def _mine(blank: Config, layout: Layout, shapes: Shapes) -> dict[str, Shape]:
    """Shapes under our names; a projection stored as 1×1 convolution keeps its four dimensions here."""
    if isinstance(blank, UNetConfig):
        blank = replace(blank, linear_projection=True)
    table = names.table(blank, layout)
    return _Named({name: shown(shapes[place.key], place) for name, place in names.ours(table, shapes)}, table)


class _Named(dict[str, Shape]):
    """Shapes by our names, which complain with the file's own name of what is missing."""

    def __init__(self, found: Shapes, table: names.Table) -> None:
        super().__init__(found)
        self.table = table

    def __missing__(self, parameter: str) -> Shape:
        raise KeyError(names.stored(self.table, parameter).key)


class _OddShapesError(Exception):
    """Shapes or counts that cannot be; ``config`` says where."""


def _dimensions(shape: Shape, count: int) -> Shape:
    if len(shape) != count:
        raise _OddShapesError(f"{list(shape)} has not {count} dimensions")
    return shape


def _count(keys: Shapes, pattern: str) -> int:
    """One more than the highest number that ``pattern`` captures in any key; at least 1."""
    found = (re.search(pattern, key) for key in keys)
    count = max((int(match[1]) + 1 for match in found if match), default=1)
    if count > max(len(keys), 1):
        raise _OddShapesError(f"a key of block {count - 1} among {len(keys)} keys")
    return count


def _unet_diffusers(shapes: Shapes) -> tuple[int, int, tuple[bool, ...]]:
    levels = _count(shapes, r"^down_blocks\.(\d+)\.")
    layers = _count(shapes, r"^down_blocks\.\d+\.resnets\.(\d+)\.")
    return levels, layers, tuple(f"down_blocks.{i}.attentions.0.norm.weight" in shapes for i in range(levels))


def _unet_ldm(shapes: Shapes) -> tuple[int, int, tuple[bool, ...]]:
    """CompVis numbers blocks in one row, a downsampling after every ``layers`` blocks."""
    steps = sorted(int(m[1]) for m in (re.match(r"input_blocks\.(\d+)\.0\.op\.weight", key) for key in shapes) if m)
    period = steps[0] if steps else _count(shapes, r"^input_blocks\.(\d+)\.")
    levels = len(steps) + 1
    attention = tuple(f"input_blocks.{1 + i * period}.1.norm.weight" in shapes for i in range(levels))
    return levels, period - 1, attention


def _heads(
    channels: Shape, attention: tuple[bool, ...], linear: bool, known: int | Iterable[int] | None
) -> tuple[int, ...]:
    if known is None:
        heads = tuple(max(width // HEAD_WIDTH, 1) for width in channels) if linear else (SD1_HEADS,) * len(channels)
    else:
        heads = (known,) * len(channels) if isinstance(known, int) else tuple(known)
    reads = (*attention[:-1], True)  # the middle, too, has as many heads as the last level says
    if len(heads) != len(channels) or any(w % h for w, h, r in zip(channels, heads, reads, strict=True) if r):
        raise CheckpointError(f"{list(channels)} channels do not divide into {list(heads)} heads; see its config.json.")
    return heads


def _groups(channels: Shape, known: Known) -> int:
    groups: int = known.get("groups", GROUPS)
    if bad := [str(width) for width in channels if width % groups]:
        raise CheckpointError(
            f"{listed(bad)} channels do not divide into {groups} groups: this is no Stable Diffusion 1.x or 2.x, "
            "and a smaller model needs its config.json (load its folder)."
        )
    return groups
