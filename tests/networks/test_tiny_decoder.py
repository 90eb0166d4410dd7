"""TAESD's decoder against diffusers' AutoencoderTiny on random weights."""

import pytest
import torch
from diffusers import AutoencoderTiny
from tests.networks.peers import max_error, randomise

from garasu.networks.tiny_decoder import TinyDecoder, TinyDecoderConfig


def tiny_pair(channels: int = 64, blocks: tuple[int, ...] = (3, 3, 3, 1)) -> tuple[TinyDecoder, AutoencoderTiny]:
    """Ours and diffusers' with the same weights."""
    peer = AutoencoderTiny(decoder_block_out_channels=(channels,) * len(blocks), num_decoder_blocks=blocks).eval()
    randomise(peer, 3)
    ours = TinyDecoder(TinyDecoderConfig(channels=channels, blocks=blocks)).eval()
    ours.load_state_dict(peer.decoder.state_dict())
    return ours, peer


@pytest.mark.parametrize(("channels", "blocks"), [(64, (3, 3, 3, 1)), (8, (1, 2)), (16, (2, 1, 0, 1))])
def test_it_agrees_with_diffusers(channels, blocks):
    ours, peer = tiny_pair(channels, blocks)
    latent = 3 * torch.randn(2, 4, 6, 5, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        theirs = peer.decode(latent).sample
        assert theirs.std() > 0.01
        assert max_error(ours(latent), theirs) <= 1e-5
