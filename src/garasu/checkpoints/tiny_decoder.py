"""Reading a tiny decoder (TAESD): a folder or file of diffusers' `AutoencoderTiny`, or the author's own file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.files import open_weights
from garasu.checkpoints.folder import weight_files
from garasu.networks.tiny_decoder import TinyDecoder, TinyDecoderConfig

OWN = re.compile(r"\d+\.")  # the author's file is one bare sequence, with a layer without weights before the first


def read_tiny_decoder(source: str | Path, device: str | torch.device = "cpu") -> TinyDecoder:
    """The decoder of a tiny autoencoder, float32; an encoder beside it is passed over.

    Raises:
        CheckpointError: there is no such file or folder, or it holds something else.
    """
    path = Path(source)
    if not path.exists():
        raise CheckpointError(f"There is no file or folder {path}: name a TAESD decoder, such as taesd/.")
    files = weight_files(path, None) if path.is_dir() else [path]
    weights = _ours({key: tensor for file in files for key, tensor in open_weights(file).tensors.items()})
    with torch.device("meta"):
        decoder = TinyDecoder(_config(weights, path))
    expected = decoder.state_dict()
    missing, left = expected.keys() - weights.keys(), weights.keys() - expected.keys()
    wrong = [key for key in expected.keys() & weights.keys() if expected[key].shape != weights[key].shape]
    if missing or left or wrong:
        raise CheckpointError(
            f"{path} is not a tiny autoencoder's decoder: look at {listed({*missing, *left, *wrong})}."
        )
    state = {key: tensor.to(device, torch.float32) for key, tensor in weights.items()}
    decoder.load_state_dict(state, assign=True)
    return decoder.eval()


def _ours(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under our names."""
    if weights and all(OWN.match(key) for key in weights):
        split = {key: key.partition(".") for key in weights}
        return {f"layers.{int(number) - 1}.{rest}": weights[key] for key, (number, _, rest) in split.items()}
    return {key.removeprefix("decoder."): tensor for key, tensor in weights.items() if not key.startswith("encoder.")}


def _config(weights: Mapping[str, Tensor], path: Path) -> TinyDecoderConfig:
    first = weights.get("layers.0.weight")
    if first is None or first.ndim != 4:
        raise CheckpointError(f"{path} is not a tiny autoencoder's decoder: it has no layers.0.weight.")
    return TinyDecoderConfig(latent_channels=first.shape[1], channels=first.shape[0], blocks=_blocks(weights))


def _blocks(keys: Iterable[str]) -> tuple[int, ...]:
    """How many blocks stand before each convolution after the first."""
    places = {int(match[1]): match[2] != "" for key in keys if (match := re.match(r"layers\.(\d+)\.(conv\.|)", key))}
    counts = [0]
    for _, is_block in sorted(places.items())[1:]:
        if is_block:
            counts[-1] += 1
        else:
            counts.append(0)
    return tuple(counts[:-1]) or (0,)
