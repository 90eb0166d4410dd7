"""config.json: diffusers and transformers build from ours the network that ours describes."""

from __future__ import annotations

import pytest
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig as PeerText
from transformers import CLIPTextModel, CLIPVisionModelWithProjection
from transformers import CLIPVisionConfig as PeerVision

from garasu.checkpoints import configs, infer
from garasu.checkpoints.build import blank
from garasu.checkpoints.names import Config, PartName, stored, table
from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

ALL: list[tuple[PartName, Config]] = [
    (
        "unet",
        UNetConfig(channels=(32, 64), layers=1, attention=(False, True), heads=(2, 4), context_width=24, groups=8),
    ),
    ("unet", UNetConfig(channels=(32, 64), layers=2, attention=(True, True), heads=(2, 2), linear_projection=True)),
    ("vae", VAEConfig(channels=(8, 16), layers=1, groups=4, scaling_factor=0.5)),
    ("text_encoder", CLIPTextConfig(99, 24, 2, 3, 48, activation="gelu")),
    ("image_encoder", CLIPVisionConfig(32, 8, 24, 2, 3, 48, projection_width=12)),
]


def peer(part: PartName, json: dict[str, object]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the network that the other libraries build from a config.json."""
    network = {
        "unet": lambda: UNet2DConditionModel.from_config(json),
        "vae": lambda: AutoencoderKL.from_config(json),
        "text_encoder": lambda: CLIPTextModel(PeerText.from_dict(json)),
        "image_encoder": lambda: CLIPVisionModelWithProjection(PeerVision.from_dict(json)),
    }[part]()
    state = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items() if "position_ids" not in key}
    return {f"text_model.{key}" if key.startswith(("embeddings", "encoder.layers", "final_layer")) else key: shape
            for key, shape in state.items()}  # fmt: skip


@pytest.mark.parametrize(("part", "config"), ALL)
def test_the_other_libraries_build_the_same_network(part: PartName, config: Config) -> None:
    places = table(config, "diffusers")
    ours = {stored(places, p): tuple(t.shape) for p, t in blank(config).state_dict().items()}
    expected = {place.key: (*shape, 1, 1) if place.pointwise else shape for place, shape in ours.items()}
    assert peer(part, configs.to_json(config)) == expected


@pytest.mark.parametrize(("part", "config"), ALL)
def test_reading_back_gives_the_configuration(part: PartName, config: Config) -> None:
    json = configs.to_json(config)
    shapes = peer(part, json)
    assert infer.config(part, "diffusers", shapes, configs.known(part, json, "here"), "here") == config


def test_what_diffusers_writes_today_is_accepted() -> None:
    for part, network in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        config = dict(network.from_config(configs.to_json(dict(ALL)[part])).config)  # type: ignore[index]
        assert configs.known(part, config, "here")["groups"] == config["norm_num_groups"]  # type: ignore[arg-type]
