"""Building blocks against diffusers' functions and against plain arithmetic."""

import pytest
import torch
from diffusers.models.embeddings import get_timestep_embedding
from torch.nn import functional as F

from garasu.networks.blocks import Downsample, FeedForward, GroupNorm, ResNet, Upsample, timestep_embedding


@pytest.mark.parametrize("width", [2, 32, 64, 320])
def test_timestep_embedding_is_diffusers(width: int) -> None:
    t = torch.cat([torch.arange(1000.0), torch.rand(50, generator=torch.Generator().manual_seed(0)) * 999])
    expected = get_timestep_embedding(t, width, flip_sin_to_cos=True, downscale_freq_shift=0)
    assert torch.equal(timestep_embedding(t, width), expected)


def test_timestep_embedding_starts_with_the_cosine_of_t_itself() -> None:
    t = torch.tensor([0.0, 1.0, 2.5])
    embedding = timestep_embedding(t, 8)
    torch.testing.assert_close(embedding[:, 0], t.cos())
    torch.testing.assert_close(embedding[:, 4], t.sin())


def test_upsample_repeats_pixels_before_its_convolution() -> None:
    upsample = Upsample(1)
    upsample.conv.weight.data = torch.zeros(1, 1, 3, 3)
    upsample.conv.weight.data[0, 0, 1, 1] = 1
    upsample.conv.bias.data.zero_()
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert torch.equal(upsample(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))
    assert upsample(x, (3, 4)).shape == (1, 1, 3, 4)


def test_downsample_pads_where_it_says() -> None:
    """The VAE's window starts at the first pixel, the U-Net's one before it."""
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    for symmetric, first in ((True, 0 + 1 + 4 + 5), (False, 0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10)):
        downsample = Downsample(1, symmetric=symmetric)
        downsample.conv.weight.data.fill_(1)
        downsample.conv.bias.data.zero_()
        assert downsample(x)[0, 0, 0, 0].item() == first
        assert downsample(x).shape == (1, 1, 2, 2)


def test_feed_forward_gates_the_first_half_by_the_second() -> None:
    layer = FeedForward(4)
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    hidden = layer.proj_in(x)
    torch.testing.assert_close(layer(x), layer.proj_out(hidden[..., :16] * F.gelu(hidden[..., 16:])))


def test_a_residual_block_whose_second_convolution_is_zero_passes_its_input() -> None:
    block = ResNet(8, 8, time_width=16, groups=4, eps=1e-5)
    torch.nn.init.zeros_(block.conv2.weight)
    torch.nn.init.zeros_(block.conv2.bias)
    x, time = torch.randn(2, 8, 5, 5), torch.randn(2, 16)
    assert block.shortcut is None
    assert torch.equal(block(x, time), x)


def test_time_changes_a_residual_block() -> None:
    block = ResNet(8, 16, time_width=16, groups=4, eps=1e-5)
    x = torch.randn(1, 8, 5, 5, generator=torch.Generator().manual_seed(1)).expand(2, -1, -1, -1)
    early, late = block(x, torch.tensor([[0.0] * 16, [3.0] * 16]))
    assert early.shape == (16, 5, 5)
    assert not torch.allclose(early, late)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_group_norm_is_torchs_in_every_memory_format(memory: torch.memory_format, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    ours, theirs = GroupNorm(4, 16, 1e-6).to(dtype), torch.nn.GroupNorm(4, 16, 1e-6).to(dtype)
    torch.nn.init.normal_(ours.weight)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 16, 5, 7).to(dtype).to(memory_format=memory)
    a, b = x.clone().requires_grad_(), x.contiguous().requires_grad_()
    out, expected = ours(a), theirs(b)
    assert out.is_contiguous(memory_format=memory)
    out.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(a.grad, b.grad)
