"""Recipes of base training: every number of a small Stable Diffusion and of its training, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig
from garasu.training.buckets import Size, bucket_sizes
from garasu.training.loop import LoopSettings

Shapes = tuple[tuple[Size, float], ...]


def _shapes(base: Size, share: float, others: list[Size]) -> Shapes:
    """``share`` of the pictures at the base size, the rest alike among the others."""
    others = [size for size in others if size != base]
    return ((base, share), *((size, (1 - share) / len(others)) for size in others))


_SQUARE_AND_NARROW = _shapes((128, 128), 0.9, bucket_sizes((128, 128), step=32, least=96, most=192))


@dataclass(frozen=True)
class BaseRecipe:
    """A whole model and how each part of it is trained."""

    vae: VAEConfig
    text: CLIPTextConfig
    vision: CLIPVisionConfig
    unet: UNetConfig
    train_vae: LoopSettings
    train_clip: LoopSettings
    train_decoder: LoopSettings
    train_unet: LoopSettings
    train_faces: LoopSettings
    pictures: int = 24_000
    shapes: Shapes = _SQUARE_AND_NARROW
    captions: int = 2  # different captions kept for each picture
    vocabulary: int = 2048  # at most; the captions alone give fewer
    english: bool = True  # ordinary English beside the captions, for words that they lack
    perceptual: float = 0.0  # weight of the VAE's error as CLIP's vision tower sees it; above 0 CLIP is trained first
    seed: int = 0


_TEXT = CLIPTextConfig(
    vocab_size=2048, width=256, layers=4, heads=4, mlp_width=1024, max_length=77, projection_width=256
)
_VISION = CLIPVisionConfig(
    image_size=128, patch_size=16, width=256, layers=4, heads=4, mlp_width=1024, projection_width=256
)

# Two CPU cores, about two hours: what the first bundled model was trained with.
CPU = BaseRecipe(
    vae=VAEConfig(channels=(16, 32, 64, 128), layers=1, groups=8, scaling_factor=1.0),
    text=_TEXT,
    vision=_VISION,
    unet=UNetConfig(
        channels=(64, 128, 256),
        layers=1,
        attention=(True, True, False),
        heads=(2, 4, 8),
        context_width=256,
        sample_size=16,
    ),
    train_vae=LoopSettings(steps=7000, batch=16, lr=8e-4, warmup=50, flat=0.2, final_lr=0.01),
    train_clip=LoopSettings(steps=700, batch=96, lr=8e-4, warmup=100, flat=0.3, weight_decay=0.1),
    train_decoder=LoopSettings(steps=5400, batch=16, lr=8e-4, warmup=50, flat=0.2, final_lr=0.01),
    train_unet=LoopSettings(steps=3700, batch=32, lr=1e-3, warmup=150, flat=0.443, ema=0.996),
    train_faces=LoopSettings(steps=3000, batch=16, lr=4e-4, warmup=50, flat=0.2, final_lr=0.01),
    english=False,  # 788 entries; every other word is spelled in bytes, which a model of this size never learns anyway
)

# The same machine, going on from a model of the recipe above: `--from MODEL`.
FURTHER = replace(
    CPU,
    train_vae=LoopSettings(steps=21_000, batch=16, lr=5e-4, warmup=100, flat=0.2, final_lr=0.01),
    train_clip=LoopSettings(steps=1200, batch=96, lr=5e-4, warmup=50, flat=0.2, weight_decay=0.1),
    train_decoder=LoopSettings(steps=10_000, batch=16, lr=5e-4, warmup=50, flat=0.2, final_lr=0.01),
    train_unet=LoopSettings(steps=5200, batch=32, lr=7e-4, warmup=100, flat=0.3, ema=0.999),
    train_faces=LoopSettings(steps=6500, batch=16, lr=5e-4, warmup=50, flat=0.2, final_lr=0.01),
    pictures=48_000,
    seed=1,
)

# One GPU with bfloat16, going on from a model of the recipe `cpu`, such as the bundled one: `--from bundled`. On an
# H100 the VAE takes two minutes; a step of the U-Net took 44 ms there when nothing else ran. Never run to its end.
BUNDLED_FURTHER = replace(
    FURTHER,
    train_vae=LoopSettings(steps=2900, batch=256, lr=8e-4, warmup=100, flat=0.2, final_lr=0.01),
    train_clip=LoopSettings(steps=1500, batch=1024, lr=5e-4, warmup=50, flat=0.2, weight_decay=0.1),
    train_decoder=LoopSettings(steps=3000, batch=256, lr=5e-4, warmup=50, flat=0.2, final_lr=0.01),
    train_unet=LoopSettings(steps=6000, batch=512, lr=8e-4, warmup=100, flat=0.3, ema=0.999),
    train_faces=LoopSettings(steps=2500, batch=128, lr=5e-4, warmup=50, flat=0.2, final_lr=0.01),
    pictures=120_000,
    seed=2,
)

# One GPU with bfloat16, about twenty minutes: the largest that stays under 50 MB in float16.
BUNDLED = replace(
    CPU,
    vae=VAEConfig(channels=(32, 64, 128, 128), layers=1, groups=8, scaling_factor=1.0),
    text=replace(_TEXT, vocab_size=1536),
    unet=UNetConfig(
        channels=(80, 160, 240),
        layers=1,
        attention=(True, True, False),
        heads=(2, 4, 6),
        context_width=256,
        groups=16,
        sample_size=16,
    ),
    train_vae=LoopSettings(steps=20_000, batch=256, lr=1.2e-3, warmup=200, flat=0.2, final_lr=0.01),
    train_clip=LoopSettings(steps=3000, batch=1024, lr=1e-3, warmup=300, flat=0.3, weight_decay=0.1),
    train_decoder=LoopSettings(steps=10_000, batch=256, lr=8e-4, warmup=200, flat=0.2, final_lr=0.01),
    train_unet=LoopSettings(steps=10_000, batch=512, lr=1e-3, warmup=500, flat=0.4, ema=0.999),
    train_faces=LoopSettings(steps=5000, batch=256, lr=4e-4, warmup=100, flat=0.2, final_lr=0.01),
    pictures=200_000,
    shapes=_shapes((128, 128), 0.6, [*bucket_sizes((192, 128), step=32, least=96, most=192), (160, 160), (192, 192)]),
    vocabulary=1536,
    english=True,
    perceptual=0.1,
)

# Seconds on any machine: proves the path, draws nothing worth seeing.
TOY = BaseRecipe(
    vae=VAEConfig(channels=(8, 8, 8, 16), layers=1, groups=4, scaling_factor=1.0),
    text=replace(_TEXT, vocab_size=600, width=32, layers=2, heads=2, mlp_width=64, projection_width=32),
    vision=replace(_VISION, image_size=64, width=32, layers=2, heads=2, mlp_width=64, projection_width=32),
    unet=UNetConfig(
        channels=(16, 32), layers=1, attention=(True, True), heads=(2, 2), context_width=32, groups=8, sample_size=8
    ),
    train_vae=LoopSettings(steps=12, batch=4, lr=1e-3, warmup=4),
    train_clip=LoopSettings(steps=12, batch=8, lr=1e-3, warmup=4),
    train_decoder=LoopSettings(steps=12, batch=4, lr=1e-3, warmup=4),
    train_unet=LoopSettings(steps=12, batch=4, lr=1e-3, warmup=4, ema=0.9),
    train_faces=LoopSettings(steps=12, batch=4, lr=1e-3, warmup=4),
    pictures=96,
    shapes=(((64, 64), 0.8), ((48, 80), 0.2)),
    vocabulary=600,
    perceptual=0.1,
)

RECIPES = {"cpu": CPU, "cpu-further": FURTHER, "bundled": BUNDLED, "bundled-further": BUNDLED_FURTHER, "toy": TOY}
