"""The rename table: one to one, and the same as the tests' own account of each layout."""

from __future__ import annotations

import pytest
from tests.checkpoints import compvis
from tests.checkpoints.models import Models, states, tiny

from garasu.checkpoints import names
from garasu.checkpoints.build import blank
from garasu.checkpoints.names import Config, Layout
from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

CONFIGS: list[tuple[Config, Layout]] = [
    *((UNetConfig(), layout) for layout in ("diffusers", "ldm")),
    *((UNetConfig(channels=(32, 64), layers=3, attention=(False, True), heads=(2, 2)), layout) for layout in ("ldm",)),
    *((VAEConfig(), layout) for layout in ("diffusers", "ldm")),
    *((CLIPTextConfig(projection_width=8), layout) for layout in ("diffusers", "openclip")),
    (CLIPVisionConfig(), "diffusers"),
]


@pytest.mark.parametrize(("config", "layout"), CONFIGS, ids=lambda value: str(value)[:20])
def test_every_parameter_has_one_place_of_its_own_and_the_way_back(config: Config, layout: Layout) -> None:
    table = names.table(config, layout)
    parameters = blank(config).state_dict().keys()
    places = {name: names.stored(table, name) for name in parameters}
    assert len({(place.key, place.third) for place in places.values()}) == len(places)
    back = dict(names.ours(table, dict.fromkeys(place.key for place in places.values())))
    assert {name: back[name] for name in places} == places


@pytest.mark.parametrize("kind", ["sd1", "sd2"])
def test_the_tables_name_exactly_what_a_compvis_file_holds(kind: str) -> None:
    models: Models = tiny(kind)
    parts = states(models)
    second = kind == "sd2"
    unet = UNetConfig(channels=tuple(models.unet.config.block_out_channels), linear_projection=second)
    vae = VAEConfig(channels=(32, 32, 64))
    text = CLIPTextConfig(layers=3)
    words = compvis.openclip(parts["text"]) if second else parts["text"]
    for config, layout, expected in (
        (unet, "ldm", compvis.unet(parts["unet"])),
        (unet, "diffusers", parts["unet"]),
        (vae, "ldm", compvis.vae(parts["vae"])),
        (vae, "diffusers", parts["vae"]),
        (text, "openclip" if second else "diffusers", words),
    ):
        table = names.table(config, layout)
        found = {names.stored(table, parameter).key for parameter in blank(config).state_dict()}
        assert found == expected.keys()


def test_projections_are_convolutions_in_stable_diffusion_1_only() -> None:
    parameter = "down.0.transformers.0.proj_in.weight"
    for linear in (False, True):
        table = names.table(UNetConfig(linear_projection=linear), "ldm")
        assert names.stored(table, parameter).pointwise is not linear
        assert not names.stored(table, parameter.replace("weight", "bias")).pointwise
        assert not names.stored(table, "down.0.transformers.0.blocks.0.feed_forward.proj_in.weight").pointwise


def test_old_spellings_become_modern_and_modern_ones_stay() -> None:
    modern = {
        ("text_encoder", "embeddings.token_embedding.weight"): "text_model.embeddings.token_embedding.weight",
        ("text_encoder", "text_model.final_layer_norm.bias"): "text_model.final_layer_norm.bias",
        ("text_encoder", "text_projection.weight"): "text_projection.weight",
        ("image_encoder", "pre_layrnorm.bias"): "vision_model.pre_layrnorm.bias",
        ("vae", "encoder.mid_block.attentions.0.query.weight"): "encoder.mid_block.attentions.0.to_q.weight",
        ("vae", "decoder.mid_block.attentions.0.proj_attn.bias"): "decoder.mid_block.attentions.0.to_out.0.bias",
        ("vae", "encoder.conv_in.weight"): "encoder.conv_in.weight",
        ("unet", "mid_block.attentions.0.norm.weight"): "mid_block.attentions.0.norm.weight",
    }
    for (part, old), new in modern.items():
        assert names.modern(part, old) == new  # type: ignore[arg-type]


def test_fused_thirds_are_q_k_v_in_this_order() -> None:
    table = names.table(CLIPTextConfig(layers=1), "openclip")
    thirds = [names.stored(table, f"layers.0.self_attention.to_{name}.weight") for name in "qkv"]
    assert [place.third for place in thirds] == [0, 1, 2]
    assert {place.key for place in thirds} == {"transformer.resblocks.0.attn.in_proj_weight"}
