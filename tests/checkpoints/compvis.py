"""diffusers' state dicts as CompVis would have written them.

A second, separate account of the names, by search and replace, so that a mistake in the package's table does not
repeat itself here. Covers Stable Diffusion's own shape: four levels (or fewer) of two layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]

UNET_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
UNET_FIXED = {
    "time_embedding.cond_proj": "time_embed.cond_proj",
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}  # fmt: skip
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
OPENCLIP = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}  # fmt: skip


def unet(weights: Weights) -> dict[str, Tensor]:
    """The U-Net, without prefix."""
    return {_unet_key(key): tensor for key, tensor in weights.items()}


def vae(weights: Weights) -> dict[str, Tensor]:
    """The VAE, without prefix; its attention as 1×1 convolutions."""
    levels = 1 + max(int(m[1]) for m in (re.search(r"up_blocks\.(\d+)", key) for key in weights) if m)
    return dict(_vae_item(key, tensor, levels) for key, tensor in weights.items())


def openclip(weights: Weights) -> dict[str, Tensor]:
    """A text encoder in OpenCLIP's form, q, k and v in one, with the unused last layer of SD 2.x left out."""
    found: dict[str, Tensor] = {}
    for key, tensor in weights.items():
        name = key.removeprefix("text_model.")
        if match := re.fullmatch(r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", name):
            thirds = [weights[key.replace("q_proj", f"{third}_proj")] for third in "qkv"]
            found[f"transformer.resblocks.{match[1]}.attn.in_proj_{match[2]}"] = torch.cat(thirds)
        elif match := re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name):
            if match[2] in OPENCLIP:
                found[f"transformer.resblocks.{match[1]}.{OPENCLIP[match[2]]}.{match[3]}"] = tensor
        else:
            whole = {
                "embeddings.token_embedding.weight": "token_embedding.weight",
                "embeddings.position_embedding.weight": "positional_embedding",
                "final_layer_norm.weight": "ln_final.weight",
                "final_layer_norm.bias": "ln_final.bias",
            }
            found[whole[name]] = tensor
    return found


def checkpoint(states: Mapping[str, Weights], *, second: bool = False) -> dict[str, Tensor]:
    """A whole single file: three prefixes, and the buffers that real files carry."""
    words = (
        _prefixed("cond_stage_model.model.", openclip(states["text"]))
        if second
        else _prefixed("cond_stage_model.transformer.", states["text"])
    )
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alphas = (1 - betas).cumprod(0)
    buffers = {
        "betas": betas.float(),
        "alphas_cumprod": alphas.float(),
        "alphas_cumprod_prev": alphas.roll(1).float(),
        "sqrt_alphas_cumprod": alphas.sqrt().float(),
        "sqrt_one_minus_alphas_cumprod": (1 - alphas).sqrt().float(),
        "log_one_minus_alphas_cumprod": (1 - alphas).log().float(),
        "posterior_variance": betas.float(),
        "logvar": torch.zeros(1000),
        "model_ema.decay": torch.tensor(0.9999),
        "model_ema.num_updates": torch.tensor(470000, dtype=torch.int32),
    }
    if second:
        buffers |= {"cond_stage_model.model.logit_scale": torch.tensor(4.6)}
    else:
        buffers |= {"cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None]}
    return (
        buffers
        | _prefixed("model.diffusion_model.", unet(states["unet"]))
        | _prefixed("first_stage_model.", vae(states["vae"]))
        | words
    )


def with_ema(weights: Weights) -> dict[str, Tensor]:
    """Averages beside the U-Net: here, so that they can be told apart, the weights plus 1/64."""
    averages = {}
    for key, tensor in weights.items():
        if key.startswith("model.diffusion_model."):
            averages["model_ema." + key.removeprefix("model.").replace(".", "")] = tensor + 1 / 64
    return {**weights, **averages}


def _prefixed(prefix: str, weights: Weights) -> dict[str, Tensor]:
    return {prefix + key: tensor.contiguous() for key, tensor in weights.items()}


def _unet_key(key: str) -> str:
    for name, other in UNET_FIXED.items():
        if key.startswith(f"{name}."):
            key = key.replace(name, other, 1)
    for kind, member in (("resnets", 0), ("attentions", 1)):
        key = re.sub(rf"down_blocks\.(\d)\.{kind}\.(\d)", _at("input_blocks", 1, member), key)
        key = re.sub(rf"up_blocks\.(\d)\.{kind}\.(\d)", _at("output_blocks", 0, member), key)
    key = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.conv", lambda m: f"input_blocks.{3 * int(m[1]) + 3}.0.op", key)
    key = key.replace("up_blocks.0.upsamplers.0.conv", "output_blocks.2.1.conv")
    key = key.replace("up_blocks.1.upsamplers.0.conv", "output_blocks.5.2.conv")
    key = key.replace("up_blocks.2.upsamplers.0.conv", "output_blocks.8.2.conv")
    if re.match(r"(input|output|middle)_blocks?\.[\d.]+\.(norm|conv|time)", key):
        for name, other in UNET_RESNET.items():
            key = key.replace(f".{name}.", f".{other}.") if "transformer" not in key else key
    return key


def _at(row: str, first: int, member: int) -> Callable[[re.Match[str]], str]:
    return lambda m: f"{row}.{3 * int(m[1]) + int(m[2]) + first}.{member}"


def _vae_item(key: str, tensor: Tensor, levels: int) -> tuple[str, Tensor]:
    if ".mid_block.attentions.0." in key:
        module, leaf = key.split(".mid_block.attentions.0.", maxsplit=1)[0], key.split(".mid_block.attentions.0.")[1]
        name, _, kind = leaf.rpartition(".")
        convolved = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        return f"{module}.mid.attn_1.{VAE_ATTENTION[name]}.{kind}", convolved
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", key)
    key = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", key)
    key = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", key)
    key = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{levels - 1 - int(m[1])}.block.{m[2]}", key)
    key = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", key)
    return key.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out"), tensor
