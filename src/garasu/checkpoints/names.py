"""The one rename table: our parameter names ↔ diffusers and transformers ↔ CompVis (LDM) and OpenCLIP.

A table maps a pattern of ours to where a file keeps it. ``*`` stands for the parameter's own name (weight, bias):
``down.0.resnets.1.conv1.*`` → ``input_blocks.2.0.in_layers.2.*``. Tables are generated from the configuration, so
they fit every number of levels and layers; both directions read the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.safety import SafetyConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

Layout = Literal["diffusers", "ldm", "openclip"]
PartName = Literal["unet", "vae", "text_encoder", "image_encoder", "safety_checker"]
Config = UNetConfig | VAEConfig | CLIPTextConfig | CLIPVisionConfig | SafetyConfig


@dataclass(frozen=True)
class Stored:
    """Where a file keeps one of our parameters, and in which form."""

    key: str
    pointwise: bool = False  # [D, D] here, a 1×1 convolution [D, D, 1, 1] there
    third: int | None = None  # which third of a fused q, k, v [3D, D]
    transposed: bool = False  # [E, D] here, [D, E] there

    def named(self, leaf: str) -> Stored:
        """The same place with ``*`` filled in; only weights change their form."""
        return replace(self, key=self.key.replace("*", leaf), pointwise=self.pointwise and leaf == "weight")


Table = Mapping[str, Stored]
Row = tuple[str, str, str]  # ours, diffusers, LDM

RESNET: list[Row] = [
    ("norm1", "norm1", "in_layers.0"),
    ("conv1", "conv1", "in_layers.2"),
    ("time_proj", "time_emb_proj", "emb_layers.1"),
    ("norm2", "norm2", "out_layers.0"),
    ("conv2", "conv2", "out_layers.3"),
    ("shortcut", "conv_shortcut", "skip_connection"),
]
VAE_RESNET: list[Row] = [
    *((name, name, name) for name in ("norm1", "conv1", "norm2", "conv2")),
    ("shortcut", "conv_shortcut", "nin_shortcut"),
]
VAE_ATTENTION: list[Row] = [
    ("norm", "group_norm", "norm"),
    ("to_q", "to_q", "q"),
    ("to_k", "to_k", "k"),
    ("to_v", "to_v", "v"),
    ("to_out", "to_out.0", "proj_out"),
]
TRANSFORMER: list[Row] = [
    (ours, theirs, theirs)
    for ours, theirs in [
        ("norm", "norm"),
        ("proj_in", "proj_in"),
        ("proj_out", "proj_out"),
        *((f"blocks.0.norm{i}", f"transformer_blocks.0.norm{i}") for i in (1, 2, 3)),
        *(
            (f"blocks.0.{kind}_attention.{ours}", f"transformer_blocks.0.{attention}.{theirs}")
            for kind, attention in (("self", "attn1"), ("cross", "attn2"))
            for ours, theirs in (("to_q", "to_q"), ("to_k", "to_k"), ("to_v", "to_v"), ("to_out", "to_out.0"))
        ),
        ("blocks.0.feed_forward.proj_in", "transformer_blocks.0.ff.net.0.proj"),
        ("blocks.0.feed_forward.proj_out", "transformer_blocks.0.ff.net.2"),
    ]
]
CLIP_LAYER: list[tuple[str, str]] = [
    ("norm1", "layer_norm1"),
    ("self_attention.to_q", "self_attn.q_proj"),
    ("self_attention.to_k", "self_attn.k_proj"),
    ("self_attention.to_v", "self_attn.v_proj"),
    ("self_attention.to_out", "self_attn.out_proj"),
    ("norm2", "layer_norm2"),
    ("feed_forward.proj_in", "mlp.fc1"),
    ("feed_forward.proj_out", "mlp.fc2"),
]
OPENCLIP_LAYER: list[tuple[str, Stored]] = [
    ("norm1", Stored("ln_1.*")),
    ("self_attention.to_q", Stored("attn.in_proj_*", third=0)),
    ("self_attention.to_k", Stored("attn.in_proj_*", third=1)),
    ("self_attention.to_v", Stored("attn.in_proj_*", third=2)),
    ("self_attention.to_out", Stored("attn.out_proj.*")),
    ("norm2", Stored("ln_2.*")),
    ("feed_forward.proj_in", Stored("mlp.c_fc.*")),
    ("feed_forward.proj_out", Stored("mlp.c_proj.*")),
]


def table(config: Config, layout: Layout) -> Table:
    """The rename table of one network in one layout."""
    if isinstance(config, UNetConfig):
        return _columns(_unet(config), layout, set() if config.linear_projection else {"proj_in", "proj_out"})
    if isinstance(config, VAEConfig):
        return _columns(_vae(config), layout, {"to_q", "to_k", "to_v", "to_out"} if layout == "ldm" else set())
    if isinstance(config, CLIPVisionConfig):
        return _vision(config)
    if isinstance(config, SafetyConfig):
        return _safety(config)
    return _openclip(config) if layout == "openclip" else _text(config)


def stored(names: Table, parameter: str) -> Stored:
    """Where a file keeps our ``parameter`` (``conv_in.weight``, ``class_embedding``)."""
    module, _, leaf = parameter.rpartition(".")
    return names[parameter if parameter in names else f"{module}.*"].named(leaf)


def ours(names: Table, keys: Mapping[str, object]) -> Iterator[tuple[str, Stored]]:
    """Every parameter of ours that a file with these keys holds: the table read the other way round."""
    for pattern, place in names.items():
        for leaf in ("weight", "bias") if "*" in pattern else ("",):
            if place.named(leaf).key in keys:
                yield pattern.replace("*", leaf), place.named(leaf)


def modern(part: PartName, key: str) -> str:
    """Today's spelling of a key.

    Old files lack ``text_model.`` and name the VAE's attention differently; transformers 5 names the safety checker's
    tower once where every published file names it twice.
    """
    if part == "safety_checker" and key.startswith("vision_model."):
        return f"vision_model.vision_model.{key.removeprefix('vision_model.').removeprefix('vision_model.')}"
    if part == "vae" and "mid_block.attentions.0." in key:
        for old, new in (("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")):
            key = key.replace(f"attentions.0.{old}.", f"attentions.0.{new}.")
    tower = {"text_encoder": "text_model.", "image_encoder": "vision_model."}.get(part)
    bare = ("embeddings.", "encoder.", "final_layer_norm.", "pre_layrnorm.", "post_layernorm.")
    return f"{tower}{key}" if tower and key.startswith(bare) else key


def _columns(rows: Iterator[Row], layout: Layout, pointwise: set[str]) -> Table:
    column = 1 if layout == "diffusers" else 2

    def convolved(module: str) -> bool:
        return module.rpartition(".")[2] in pointwise and "blocks." not in module

    return {f"{row[0]}.*": Stored(f"{row[column]}.*", pointwise=convolved(row[0])) for row in rows}


def _under(prefixes: Row, rows: list[Row]) -> Iterator[Row]:
    for a, b, c in rows:
        yield f"{prefixes[0]}.{a}", f"{prefixes[1]}.{b}", f"{prefixes[2]}.{c}"


def _unet(config: UNetConfig) -> Iterator[Row]:
    yield "conv_in", "conv_in", "input_blocks.0.0"
    yield "time_embed.linear_1", "time_embedding.linear_1", "time_embed.0"
    yield "time_embed.linear_2", "time_embedding.linear_2", "time_embed.2"
    if config.guidance_width:
        yield "time_embed.guidance_proj", "time_embedding.cond_proj", "time_embed.cond_proj"
    yield "norm_out", "conv_norm_out", "out.0"
    yield "conv_out", "conv_out", "out.2"
    for i in range(2):
        yield from _under((f"middle.resnets.{i}", f"mid_block.resnets.{i}", f"middle_block.{2 * i}"), RESNET)
    yield from _under(("middle.transformers.0", "mid_block.attentions.0", "middle_block.1"), TRANSFORMER)
    for level in range(len(config.channels)):
        yield from _unet_down(config, level)
        yield from _unet_up(config, level)


def _unet_down(config: UNetConfig, level: int) -> Iterator[Row]:
    """CompVis numbers the blocks of all levels in one row; a downsampling counts as one."""
    first = 1 + level * (config.layers + 1)
    for j in range(config.layers):
        here = f"input_blocks.{first + j}"
        yield from _under((f"down.{level}.resnets.{j}", f"down_blocks.{level}.resnets.{j}", f"{here}.0"), RESNET)
        yield from _under(
            (f"down.{level}.transformers.{j}", f"down_blocks.{level}.attentions.{j}", f"{here}.1"), TRANSFORMER
        )
    after = f"input_blocks.{first + config.layers}.0.op"
    yield f"down.{level}.downsample.conv", f"down_blocks.{level}.downsamplers.0.conv", after


def _unet_up(config: UNetConfig, level: int) -> Iterator[Row]:
    """On the way up the upsampling is a further member of the level's last block."""
    first = level * (config.layers + 1)
    for j in range(config.layers + 1):
        here = f"output_blocks.{first + j}"
        yield from _under((f"up.{level}.resnets.{j}", f"up_blocks.{level}.resnets.{j}", f"{here}.0"), RESNET)
        yield from _under(
            (f"up.{level}.transformers.{j}", f"up_blocks.{level}.attentions.{j}", f"{here}.1"), TRANSFORMER
        )
    member = 2 if config.attention[-1 - level] else 1
    after = f"output_blocks.{first + config.layers}.{member}.conv"
    yield f"up.{level}.upsample.conv", f"up_blocks.{level}.upsamplers.0.conv", after


def _vae(config: VAEConfig) -> Iterator[Row]:
    levels = len(config.channels)
    yield from ((name, name, name) for name in ("quant_conv", "post_quant_conv"))
    for half in ("encoder", "decoder"):
        yield from _under((half, half, half), [("conv_in",) * 3, ("conv_out",) * 3])
        yield f"{half}.norm_out", f"{half}.conv_norm_out", f"{half}.norm_out"
        for i in range(2):
            middle = (f"{half}.middle.resnets.{i}", f"{half}.mid_block.resnets.{i}", f"{half}.mid.block_{i + 1}")
            yield from _under(middle, VAE_RESNET)
        attention = (f"{half}.middle.attention", f"{half}.mid_block.attentions.0", f"{half}.mid.attn_1")
        yield from _under(attention, VAE_ATTENTION)
    for i in range(levels):
        down = ("encoder.down", "encoder.down_blocks", "encoder.down")
        yield from _vae_level((f"{down[0]}.{i}", f"{down[1]}.{i}", f"{down[2]}.{i}"), config.layers, "down")
        up = (f"decoder.up.{i}", f"decoder.up_blocks.{i}", f"decoder.up.{levels - 1 - i}")  # CompVis: up.0 is the last
        yield from _vae_level(up, config.layers + 1, "up")


def _vae_level(here: Row, layers: int, way: str) -> Iterator[Row]:
    a, b, c = here
    for j in range(layers):
        yield from _under((f"{a}.resnets.{j}", f"{b}.resnets.{j}", f"{c}.block.{j}"), VAE_RESNET)
    yield f"{a}.{way}sample.conv", f"{b}.{way}samplers.0.conv", f"{c}.{way}sample.conv"


def _text(config: CLIPTextConfig) -> Table:
    """transformers' names; CompVis files hold the same below ``cond_stage_model.transformer.``."""
    return {
        "token_embedding.*": Stored("text_model.embeddings.token_embedding.*"),
        "position_embedding.*": Stored("text_model.embeddings.position_embedding.*"),
        "final_norm.*": Stored("text_model.final_layer_norm.*"),
        "projection.*": Stored("text_projection.*"),
        **_clip_layers(config.layers, "text_model"),
    }


def _vision(config: CLIPVisionConfig) -> Table:
    return {
        "class_embedding": Stored("vision_model.embeddings.class_embedding"),
        "patch_embedding.*": Stored("vision_model.embeddings.patch_embedding.*"),
        "position_embedding.*": Stored("vision_model.embeddings.position_embedding.*"),
        "norm_pre.*": Stored("vision_model.pre_layrnorm.*"),  # the spelling is transformers'
        "norm_post.*": Stored("vision_model.post_layernorm.*"),
        "projection.*": Stored("visual_projection.*"),
        **_clip_layers(config.layers, "vision_model"),
    }


def _safety(config: SafetyConfig) -> Table:
    tower = {
        f"vision.{ours}": place if ours == "projection.*" else Stored(f"vision_model.{place.key}")
        for ours, place in _vision(config.vision).items()
    }
    vectors = {
        "concept_embeds": "concept_embeds",
        "special_care_embeds": "special_care_embeds",
        "concept_thresholds": "concept_embeds_weights",
        "special_care_thresholds": "special_care_embeds_weights",
    }
    return tower | {ours: Stored(theirs) for ours, theirs in vectors.items()}


def _clip_layers(layers: int, tower: str) -> dict[str, Stored]:
    return {
        f"layers.{i}.{mine}.*": Stored(f"{tower}.encoder.layers.{i}.{theirs}.*")
        for i in range(layers)
        for mine, theirs in CLIP_LAYER
    }


def _openclip(config: CLIPTextConfig) -> Table:
    layers = {
        f"layers.{i}.{mine}.*": replace(place, key=f"transformer.resblocks.{i}.{place.key}")
        for i in range(config.layers)
        for mine, place in OPENCLIP_LAYER
    }
    return {
        "token_embedding.*": Stored("token_embedding.*"),
        "position_embedding.*": Stored("positional_embedding"),
        "final_norm.*": Stored("ln_final.*"),
        "projection.*": Stored("text_projection", transposed=True),
        **layers,
    }
