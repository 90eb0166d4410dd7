"""Tiny decoders as diffusers saves them and as their author publishes them."""

import pytest
import torch
from safetensors.torch import save_file
from tests.checkpoints.models import quietly
from tests.networks.peers import max_error
from tests.networks.test_tiny_decoder import tiny_pair

from garasu.checkpoints import CheckpointError
from garasu.checkpoints.tiny_decoder import read_tiny_decoder

LATENT = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(2))


def test_a_folder_and_a_file_of_diffusers(tmp_path):
    ours, peer = tiny_pair(8, (1, 2, 1))
    quietly(peer.save_pretrained, tmp_path / "taesd")
    for place in (tmp_path / "taesd", tmp_path / "taesd" / "diffusion_pytorch_model.safetensors"):
        found = read_tiny_decoder(place)
        assert found.config == ours.config
        with torch.no_grad():
            assert max_error(found(LATENT), ours(LATENT)) == 0


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_the_authors_own_file(suffix, tmp_path):
    ours, _ = tiny_pair()
    bare = {}
    for key, tensor in ours.state_dict().items():
        _, number, rest = key.split(".", 2)
        bare[f"{int(number) + 1}.{rest}"] = tensor.clone()
    path = tmp_path / f"taesd_decoder.{suffix}"
    if suffix == "pth":
        torch.save(bare, path)
    else:
        save_file(bare, path)
    with torch.no_grad():
        assert max_error(read_tiny_decoder(path)(LATENT), ours(LATENT)) == 0


def test_half_precision_is_widened(tmp_path):
    ours, _ = tiny_pair(8, (1, 1))
    save_file(
        {f"decoder.{key}": tensor.half() for key, tensor in ours.state_dict().items()}, tmp_path / "t.safetensors"
    )
    assert next(read_tiny_decoder(tmp_path / "t.safetensors").parameters()).dtype == torch.float32


def test_what_is_no_tiny_decoder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="There is no file or folder"):
        read_tiny_decoder(tmp_path / "nothing")
    save_file({"encoder.layers.0.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "encoder.safetensors")
    with pytest.raises(CheckpointError, match=r"it has no layers\.0\.weight"):
        read_tiny_decoder(tmp_path / "encoder.safetensors")
    weights = {f"decoder.{key}": tensor.clone() for key, tensor in tiny_pair(8, (1, 1))[0].state_dict().items()}
    save_file(weights | {"surprise": torch.zeros(1)}, tmp_path / "more.safetensors")
    with pytest.raises(CheckpointError, match="look at surprise"):
        read_tiny_decoder(tmp_path / "more.safetensors")
    del weights["decoder.layers.2.conv.2.bias"]
    save_file(weights, tmp_path / "less.safetensors")
    with pytest.raises(CheckpointError, match=r"look at layers\.2\.conv\.2\.bias"):
        read_tiny_decoder(tmp_path / "less.safetensors")
