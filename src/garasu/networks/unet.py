"""The U-Net: a ladder down to few, rich pixels and up again, with words read at every rung.

Rombach et al. 2022, §3 and appendix E; Ho et al. 2020, appendix B. At SD 1.5's size a 64×64 latent goes
64 → 32 → 16 → 8 → 8 and back, with 320, 640, 1280, 1280 channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch import cat as join
from torch.nn import functional as F

from garasu.networks.blocks import Downsample, GroupNorm, ResNet, TimeEmbedding, Transformer, Upsample
from garasu.panes import Pane


@dataclass(frozen=True)
class UNetConfig:
    """All numbers of a U-Net; the defaults are Stable Diffusion 1.5."""

    in_channels: int = 4  # 9 for inpainting checkpoints: latent, mask, masked latent
    out_channels: int = 4
    channels: tuple[int, ...] = (320, 640, 1280, 1280)  # a level each
    layers: int = 2  # residual blocks a level on the way down; one more on the way up
    attention: tuple[bool, ...] = (True, True, True, False)
    heads: tuple[int, ...] = (8, 8, 8, 8)
    context_width: int = 768
    linear_projection: bool = False  # how the files store proj_in/proj_out (True: SD 2.x)
    groups: int = 32
    sample_size: int = 64  # native height and width of the latent
    guidance_width: int | None = None  # of the guidance scale's sinusoids, which distilled networks (LCM) are told

    @property
    def time_width(self) -> int:
        """Width of the time embedding."""
        return 4 * self.channels[0]


class Level(nn.Module):
    """One rung: residual blocks, each followed by a transformer where the level reads words."""

    def __init__(self, config: UNetConfig, level: int, widths: list[tuple[int, int]]) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([_resnet(config, before, after) for before, after in widths])
        reads_words = config.attention[level]
        self.transformers = nn.ModuleList([_transformer(config, level) for _ in widths if reads_words])

    def layer(self, index: int, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        """The ``index``-th residual block and its transformer. [B, C, H, W] → [B, C', H, W]."""
        x = self.resnets[index](x, time)
        return self.transformers[index](x, context) if len(self.transformers) else x


class DownLevel(Level):
    """A rung on the way down, which ends by halving the size."""

    def __init__(self, config: UNetConfig, level: int, widths: list[tuple[int, int]]) -> None:
        super().__init__(config, level, widths)
        last = level == len(config.channels) - 1
        self.downsample = None if last else Downsample(config.channels[level])

    def forward(self, x: Tensor, time: Tensor, context: Tensor) -> list[Tensor]:
        """Every feature map of this rung, each a skip for the way up; the last one goes on down."""
        maps = []
        for index in range(len(self.resnets)):
            x = self.layer(index, x, time, context)
            maps.append(x)
        if self.downsample is not None:
            maps.append(self.downsample(x))  # [B, C, H/2, W/2]
        return maps


class UpLevel(Level):
    """A rung on the way up, which reads the skips of its size and ends by doubling it."""

    def __init__(self, config: UNetConfig, level: int, widths: list[tuple[int, int]]) -> None:
        super().__init__(config, level, widths)
        self.upsample = Upsample(config.channels[level]) if level else None

    def forward(self, x: Tensor, skips: list[Tensor], time: Tensor, context: Tensor) -> Tensor:
        """Takes its skips off the end of ``skips``. [B, C, H, W] → [B, C', 2H, 2W]."""
        for index in range(len(self.resnets)):
            x = self.layer(index, join([x, skips.pop()], dim=1), time, context)
        if self.upsample is None:
            return x
        return self.upsample(x, skips[-1].shape[-2:])


class Middle(nn.Module):
    """The bottom of the ladder: residual, transformer, residual."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        width = config.channels[-1]
        self.resnets = nn.ModuleList([_resnet(config, width, width) for _ in range(2)])
        self.transformers = nn.ModuleList([_transformer(config, len(config.channels) - 1)])

    def forward(self, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        """[B, C, H, W] → [B, C, H, W]."""
        x = self.resnets[0](x, time)
        x = self.transformers[0](x, context)
        return self.resnets[1](x, time)


class UNet(nn.Module):
    """Predicts the noise (or the velocity) in a noisy latent, given the timestep and the words.

    ``conditioning`` is the pane through which the words enter.
    """

    def __init__(self, config: UNetConfig = UNetConfig()) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.conditioning = Pane()
        self.time_embed = TimeEmbedding(channels[0], config.time_width, config.guidance_width)
        self.conv_in = nn.Conv2d(config.in_channels, channels[0], 3, padding=1)
        self.down = nn.ModuleList(_down_levels(config))
        self.middle = Middle(config)
        self.up = nn.ModuleList(_up_levels(config))
        self.norm_out = GroupNorm(config.groups, channels[0], eps=1e-5)
        self.conv_out = nn.Conv2d(channels[0], config.out_channels, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, context: Tensor, guidance: Tensor | None = None) -> Tensor:
        """One evaluation.

        Args:
            x: noisy latent [B, C, H, W], scaled to unit variance (c_in·x of the σ-space).
            t: timestep [B] in 0…999, fractions allowed.
            context: conditioning [B, T, D].
            guidance: the guidance scale [B], for a distilled network that asks for it.

        Returns:
            ε or v, [B, 4, H, W].
        """
        context = self.conditioning(context)
        time = self.time_embed(t, guidance)  # [B, E]
        skips = [self.conv_in(x)]
        for level in self.down:
            skips += level(skips[-1], time, context)
        x = self.middle(skips[-1], time, context)
        for level in self.up:
            x = level(x, skips, time, context)
        return self.conv_out(F.silu(self.norm_out(x)))


def _down_levels(config: UNetConfig) -> list[DownLevel]:
    widths = (config.channels[0], *config.channels)
    return [
        DownLevel(config, level, [(before, after)] + [(after, after)] * (config.layers - 1))
        for level, (before, after) in enumerate(pairwise(widths))
    ]


def _up_levels(config: UNetConfig) -> list[UpLevel]:
    """Deepest first; each residual block also takes the skip that the way down left at its place."""
    skips = _skip_widths(config)
    x = config.channels[-1]
    levels = []
    for level in reversed(range(len(config.channels))):
        widths = []
        for _ in range(config.layers + 1):
            widths.append((x + skips.pop(), config.channels[level]))
            x = config.channels[level]
        levels.append(UpLevel(config, level, widths))
    return levels


def _skip_widths(config: UNetConfig) -> list[int]:
    """Channels of every skip in the order in which the way down leaves them."""
    widths = [config.channels[0]]
    for index, width in enumerate(config.channels):
        down = [width] if index < len(config.channels) - 1 else []
        widths += [width] * config.layers + down
    return widths


def _resnet(config: UNetConfig, before: int, after: int) -> ResNet:
    return ResNet(before, after, time_width=config.time_width, groups=config.groups, eps=1e-5)


def _transformer(config: UNetConfig, level: int) -> Transformer:
    return Transformer(config.channels[level], config.heads[level], config.context_width, config.groups)
