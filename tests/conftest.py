"""What many tests share: a whole model small enough to run in milliseconds."""

from collections.abc import Callable

import pytest
import torch

from garasu.checkpoints import Checkpoint
from garasu.model import StableDiffusion
from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import Vocabulary

MERGES = [
    ("c", "a"),
    ("ca", "t</w>"),
    ("d", "o"),
    ("do", "g</w>"),
    ("b", "l"),
    ("bl", "a"),
    ("bla", "c"),
    ("blac", "k</w>"),
]


@pytest.fixture(autouse=True)
def leave_this_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in the tests' own process: its threads and memory stay as they are."""
    monkeypatch.setattr("garasu.engine.own_process", lambda: None)


def build_tiny(in_channels: int = 4, seed: int = 0) -> StableDiffusion:
    """A Stable Diffusion in small with random weights: 64×64 pictures, the same anatomy, float32 on the CPU."""
    tokenizer = Tokenizer(Vocabulary.from_merges(MERGES))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        checkpoint = Checkpoint(
            unet=UNet(
                UNetConfig(
                    in_channels=in_channels,
                    channels=(16, 32, 32),
                    layers=1,
                    attention=(True, True, False),
                    heads=(2, 2, 2),
                    context_width=32,
                    groups=8,
                    sample_size=8,
                )
            ),
            vae=VAE(VAEConfig(channels=(8, 8, 16, 16), layers=1, groups=8)),
            text_encoder=CLIPText(
                CLIPTextConfig(vocab_size=tokenizer.vocab_size, width=32, layers=3, heads=2, mlp_width=64)
            ),
            tokenizer=tokenizer,
            name="tiny",
        )
    return StableDiffusion(checkpoint)


@pytest.fixture(scope="session")
def tiny() -> StableDiffusion:
    """One such model for all tests that only run it: do not change its weights."""
    return build_tiny()


@pytest.fixture(scope="session")
def new_tiny() -> Callable[..., StableDiffusion]:
    """Builds such a model for a test that changes it, or with `in_channels=9`."""
    return build_tiny
