"""The same networks in diffusers and transformers, with random weights that ours then shares.

The renaming here is written for the tests alone, apart from the package's own table, so that each is evidence for
the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig as PeerTextConfig
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection
from transformers import CLIPVisionConfig as PeerVisionConfig

from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig

Peer = TypeVar("Peer", bound=nn.Module)

BLOCKS = [
    (r"^down_blocks\.", "down."),
    (r"\.down_blocks\.", ".down."),
    (r"^up_blocks\.", "up."),
    (r"\.up_blocks\.", ".up."),
    (r"mid_block\.", "middle."),
    (r"downsamplers\.0\.", "downsample."),
    (r"upsamplers\.0\.", "upsample."),
    (r"conv_norm_out", "norm_out"),
    (r"conv_shortcut", "shortcut"),
    (r"to_out\.0", "to_out"),
]
UNET = [
    *BLOCKS,
    (r"^time_embedding", "time_embed"),
    (r"cond_proj", "guidance_proj"),
    (r"time_emb_proj", "time_proj"),
    (r"attentions", "transformers"),
    (r"transformer_blocks", "blocks"),
    (r"attn1", "self_attention"),
    (r"attn2", "cross_attention"),
    (r"ff\.net\.0\.proj", "feed_forward.proj_in"),
    (r"ff\.net\.2", "feed_forward.proj_out"),
]
VAE_NAMES = [*BLOCKS, (r"attentions\.0", "attention"), (r"group_norm", "norm")]
CLIP = [
    (r"^(text_model|vision_model)\.", ""),
    (r"^embeddings\.", ""),
    (r"^encoder\.", ""),
    (r"layer_norm(\d)", r"norm\1"),
    (r"self_attn", "self_attention"),
    (r"([qkv])_proj", r"to_\1"),
    (r"out_proj", "to_out"),
    (r"mlp\.fc1", "feed_forward.proj_in"),
    (r"mlp\.fc2", "feed_forward.proj_out"),
    (r"final_layer_norm", "final_norm"),
    (r"pre_layrnorm", "norm_pre"),
    (r"post_layernorm", "norm_post"),
    (r"(text|visual)_projection", "projection"),
]


def unet_pair(config: UNetConfig, seed: int = 0) -> tuple[UNet, UNet2DConditionModel]:
    """Our U-Net and diffusers' with the same weights."""
    kinds = ["CrossAttn" if reads else "" for reads in config.attention]
    with torch.device("meta"):
        peer = UNet2DConditionModel(
            sample_size=config.sample_size,
            in_channels=config.in_channels,
            out_channels=config.out_channels,
            down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
            up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
            block_out_channels=config.channels,
            layers_per_block=config.layers,
            cross_attention_dim=config.context_width,
            attention_head_dim=config.heads,  # diffusers' name for the number of heads
            use_linear_projection=config.linear_projection,
            norm_num_groups=config.groups,
            time_cond_proj_dim=config.guidance_width,
        )
        ours = UNet(config)
    return ours, share(peer, ours, UNET, seed)


def vae_pair(config: VAEConfig, seed: int = 0) -> tuple[VAE, AutoencoderKL]:
    """Our VAE and diffusers' with the same weights."""
    levels = len(config.channels)
    with torch.device("meta"):
        peer = AutoencoderKL(
            in_channels=config.in_channels,
            out_channels=config.in_channels,
            latent_channels=config.latent_channels,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=config.channels,
            layers_per_block=config.layers,
            norm_num_groups=config.groups,
        )
        ours = VAE(config)
    return ours, share(peer, ours, VAE_NAMES, seed)


def text_pair(config: CLIPTextConfig, seed: int = 0) -> tuple[CLIPText, CLIPTextModelWithProjection]:
    """Our text tower and transformers' with the same weights; ``config`` needs a projection."""
    with torch.device("meta"):
        ours = CLIPText(config)
    peer = CLIPTextModelWithProjection(
        PeerTextConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.mlp_width,
            max_position_embeddings=config.max_length,
            hidden_act=config.activation,
            projection_dim=config.projection_width,
            eos_token_id=config.vocab_size - 1,
            bos_token_id=config.vocab_size - 2,
            pad_token_id=config.vocab_size - 1,
        )
    )
    return ours, share(peer, ours, CLIP, seed)


def vision_pair(config: CLIPVisionConfig, seed: int = 0) -> tuple[CLIPVision, CLIPVisionModelWithProjection]:
    """Our vision tower and transformers' with the same weights."""
    with torch.device("meta"):
        ours = CLIPVision(config)
    peer = CLIPVisionModelWithProjection(
        PeerVisionConfig(
            image_size=config.image_size,
            patch_size=config.patch_size,
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.mlp_width,
            hidden_act=config.activation,
            projection_dim=config.projection_width,
        )
    )
    return ours, share(peer, ours, CLIP, seed)


def share(peer: Peer, ours: nn.Module, names: Iterable[tuple[str, str]], seed: int) -> Peer:
    """Random weights in ``peer``, the same memory in ``ours`` (a full-size pair then costs one copy)."""
    randomise(peer, seed)
    renamed = {rename(key, names): value for key, value in peer.state_dict().items() if "position_ids" not in key}
    shapes = {key: value.shape for key, value in ours.state_dict().items()}
    shared = {key: value.reshape(shapes[key]) if _is_projection(key) else value for key, value in renamed.items()}
    ours.load_state_dict(shared, assign=True)
    ours.eval()
    return peer.eval()


def rename(key: str, names: Iterable[tuple[str, str]]) -> str:
    """Our name of a peer's parameter."""
    for pattern, ours in names:
        key = re.sub(pattern, ours, key)
    return key


def randomise(module: nn.Module, seed: int) -> None:
    """Fill every parameter so that signals keep about their size and no two parameters are alike."""
    if any(value.is_meta for value in module.parameters()):
        module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.named_parameters():
        with torch.no_grad():
            if value.ndim > 1 and "embedding." not in name:
                value.uniform_(-1, 1, generator=generator).mul_(value[0].numel() ** -0.5)
            else:
                value.normal_(0, 0.2, generator=generator)
                if name.endswith("weight") and value.ndim == 1:
                    value.add_(1.0)


def max_error(ours: Tensor, peer: Tensor) -> float:
    """Largest absolute difference; both must be finite and of the same shape."""
    assert ours.shape == peer.shape
    assert ours.isfinite().all()
    return (ours - peer).abs().max().item()


def _is_projection(key: str) -> bool:
    """U-Net transformers' proj_in and proj_out: 1×1 convolutions in SD 1.x, linear layers in ours."""
    return bool(re.search(r"transformers\.\d+\.proj_(in|out)\.weight", key))
