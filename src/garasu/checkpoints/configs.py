"""config.json of diffusers and transformers ↔ our configurations.

Reading takes only what shapes cannot show (``infer.py`` does the rest) and refuses options that change the
arithmetic in a way our networks do not have. Writing gives files that both libraries build the same network from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.names import Config, PartName
from garasu.networks.clip_layers import Activation
from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.safety import SafetyConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

Json = Mapping[str, Any]
DIFFUSERS_VERSION = "0.32.0"  # the oldest that our files are meant for

VISION: Mapping[str, tuple[Any, ...]] = {
    "hidden_act": get_args(Activation),
    "layer_norm_eps": (1e-5,),
    "num_channels": (3,),
}
OURS: Mapping[PartName, Mapping[str, tuple[Any, ...]]] = {
    "unet": {
        "act_fn": ("silu", "swish"),
        "addition_embed_type": (None,),
        "center_input_sample": (False,),
        "class_embed_type": (None,),
        "conv_in_kernel": (3,),
        "cross_attention_norm": (None,),
        "dual_cross_attention": (False,),
        "encoder_hid_dim": (None,),
        "flip_sin_to_cos": (True,),
        "freq_shift": (0,),
        "mid_block_scale_factor": (1,),
        "mid_block_type": ("UNetMidBlock2DCrossAttn",),
        "norm_eps": (1e-5,),
        "num_class_embeds": (None,),
        "only_cross_attention": (False,),
        "resnet_time_scale_shift": ("default",),
        "time_embedding_type": ("positional",),
        "transformer_layers_per_block": (1, [1, 1, 1, 1]),
    },
    "vae": {
        "act_fn": ("silu", "swish"),
        "latents_mean": (None,),
        "mid_block_add_attention": (True,),
        "shift_factor": (None,),
        "use_post_quant_conv": (True,),
        "use_quant_conv": (True,),
    },
    "text_encoder": {"hidden_act": get_args(Activation), "layer_norm_eps": (1e-5,)},
    "image_encoder": VISION,
    "safety_checker": VISION,
}


def known(part: PartName, json: Json, where: str) -> dict[str, Any]:
    """The fields of our configuration that a config.json settles and shapes do not.

    Raises:
        CheckpointError: it asks for something that our network does not do.
    """
    if part == "safety_checker":
        json = json.get("vision_config") or {}
    for option, values in OURS[part].items():
        if option in json and json[option] not in values:
            raise CheckpointError(
                f"{where}: {option} = {json[option]!r} is not supported; garasu reads Stable Diffusion 1.x and 2.x."
            )
    vision = {"heads": "num_attention_heads", "activation": "hidden_act", "image_size": "image_size"}
    fields = {
        "unet": {"groups": "norm_num_groups", "sample_size": "sample_size"},
        "vae": {"groups": "norm_num_groups", "scaling_factor": "scaling_factor"},
        "text_encoder": {"heads": "num_attention_heads", "activation": "hidden_act"},
        "image_encoder": vision,
        "safety_checker": vision,
    }[part]
    found = {field: json[key] for field, key in fields.items() if json.get(key) is not None}
    if part == "unet":  # diffusers' attention_head_dim is the number of heads, whatever its name says
        heads = json.get("num_attention_heads") or json.get("attention_head_dim")
        found |= {"heads": heads} if heads is not None else {}
    check_fields(found, where)
    return found


def check_fields(fields: Json, where: str) -> None:
    """Fields that come out of a file have the types that ours have.

    Raises:
        CheckpointError: one has not.
    """
    for name, value in fields.items():
        every = value if name == "heads" and isinstance(value, list) else [value]
        if not all(_fits(name, one) for one in every):
            raise CheckpointError(f"{where}: {name} cannot be {value!r}.")


def _fits(name: str, value: object) -> bool:
    if name == "activation":
        return value in get_args(Activation)
    return isinstance(value, int | float if name == "scaling_factor" else int) and value > 0


def to_json(config: Config) -> dict[str, Any]:
    """A config.json that diffusers or transformers builds the same network from."""
    if isinstance(config, UNetConfig):
        return _unet(config)
    if isinstance(config, VAEConfig):
        return _vae(config)
    if isinstance(config, SafetyConfig):
        return _safety(config)
    return _text(config) if isinstance(config, CLIPTextConfig) else _vision(config)


def _unet(config: UNetConfig) -> dict[str, Any]:
    down = ["CrossAttnDownBlock2D" if reads else "DownBlock2D" for reads in config.attention]
    up = ["CrossAttnUpBlock2D" if reads else "UpBlock2D" for reads in config.attention[::-1]]
    same = len(set(config.heads)) == 1
    return {
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": DIFFUSERS_VERSION,
        "act_fn": "silu",
        "attention_head_dim": config.heads[0] if same else list(config.heads),
        "block_out_channels": list(config.channels),
        "center_input_sample": False,
        "cross_attention_dim": config.context_width,
        "down_block_types": down,
        "downsample_padding": 1,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": config.in_channels,
        "layers_per_block": config.layers,
        "mid_block_scale_factor": 1,
        "norm_eps": 1e-5,
        "norm_num_groups": config.groups,
        "out_channels": config.out_channels,
        "sample_size": config.sample_size,
        **({"time_cond_proj_dim": config.guidance_width} if config.guidance_width else {}),
        "up_block_types": up,
        "use_linear_projection": config.linear_projection,
    }


def _vae(config: VAEConfig) -> dict[str, Any]:
    levels = len(config.channels)
    return {
        "_class_name": "AutoencoderKL",
        "_diffusers_version": DIFFUSERS_VERSION,
        "act_fn": "silu",
        "block_out_channels": list(config.channels),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "in_channels": config.in_channels,
        "latent_channels": config.latent_channels,
        "layers_per_block": config.layers,
        "norm_num_groups": config.groups,
        "out_channels": config.in_channels,
        "sample_size": 64 * config.factor,
        "scaling_factor": config.scaling_factor,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


def _text(config: CLIPTextConfig) -> dict[str, Any]:
    return {
        "architectures": ["CLIPTextModel"],
        "attention_dropout": 0.0,
        "hidden_act": config.activation,
        "hidden_size": config.width,
        "intermediate_size": config.mlp_width,
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": config.max_length,
        "model_type": "clip_text_model",
        "num_attention_heads": config.heads,
        "num_hidden_layers": config.layers,
        "projection_dim": config.projection_width or config.width,
        "vocab_size": config.vocab_size,
    }


def _vision(config: CLIPVisionConfig) -> dict[str, Any]:
    return {
        "architectures": ["CLIPVisionModelWithProjection"],
        "attention_dropout": 0.0,
        "hidden_act": config.activation,
        "hidden_size": config.width,
        "image_size": config.image_size,
        "intermediate_size": config.mlp_width,
        "layer_norm_eps": 1e-5,
        "model_type": "clip_vision_model",
        "num_attention_heads": config.heads,
        "num_channels": 3,
        "num_hidden_layers": config.layers,
        "patch_size": config.patch_size,
        "projection_dim": config.projection_width,
    }


def _safety(config: SafetyConfig) -> dict[str, Any]:
    vision = _vision(config.vision)
    del vision["architectures"]
    return {
        "architectures": ["StableDiffusionSafetyChecker"],
        "model_type": "clip",
        "projection_dim": config.vision.projection_width,
        "vision_config": vision,
    }
