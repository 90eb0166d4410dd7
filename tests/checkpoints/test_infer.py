"""Configurations from shapes, against the ones that the weights were made with."""

from __future__ import annotations

import pytest
from tests.checkpoints import compvis
from tests.checkpoints.models import states, tiny

from garasu.checkpoints import infer
from garasu.checkpoints.build import blank
from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.names import PartName, stored, table
from garasu.checkpoints.source import layout_of
from garasu.networks.clip_text import CLIPTextConfig
from garasu.networks.clip_vision import CLIPVisionConfig
from garasu.networks.unet import UNetConfig
from garasu.networks.vae import VAEConfig

SD2_HEADS = (5, 10, 20, 20)


def shapes_of(config: infer.Config, layout: infer.Layout) -> dict[str, tuple[int, ...]]:
    """The shapes that a file of this layout has, without its weights."""
    places, found = table(config, layout), {}
    for parameter, tensor in blank(config).state_dict().items():
        place, shape = stored(places, parameter), tuple(tensor.shape)
        shape = (3 * shape[0], *shape[1:]) if place.third is not None else shape
        shape = (*shape, 1, 1) if place.pointwise else shape
        found[place.key] = shape[::-1] if place.transposed else shape
    return found


@pytest.mark.parametrize("layout", ["ldm", "diffusers"])
@pytest.mark.parametrize(
    "config",
    [
        UNetConfig(),
        UNetConfig(in_channels=9),
        UNetConfig(heads=SD2_HEADS, context_width=1024, linear_projection=True),
        UNetConfig(channels=(32, 64, 96), layers=1, attention=(False, True, True), heads=(8, 8, 8), context_width=40),
        UNetConfig(channels=(64,), layers=3, attention=(True,), heads=(8,)),
    ],
    ids=["SD 1.5", "inpainting", "SD 2.1", "small", "one level"],
)
def test_unets(config: UNetConfig, layout: infer.Layout) -> None:
    assert infer.config("unet", layout, shapes_of(config, layout), {}, "here") == config


@pytest.mark.parametrize("layout", ["ldm", "diffusers"])
@pytest.mark.parametrize("config", [VAEConfig(), VAEConfig(channels=(32, 64), layers=1, latent_channels=8)])
def test_vaes(config: VAEConfig, layout: infer.Layout) -> None:
    assert infer.config("vae", layout, shapes_of(config, layout), {}, "here") == config


@pytest.mark.parametrize(
    ("config", "layout"),
    [
        (CLIPTextConfig(), "diffusers"),
        (CLIPTextConfig(projection_width=768), "diffusers"),
        (CLIPTextConfig(width=1024, layers=23, heads=16, mlp_width=4096, activation="gelu"), "openclip"),
        (CLIPTextConfig(width=1024, layers=23, heads=16, mlp_width=4096, activation="gelu"), "diffusers"),
    ],
    ids=["CLIP-L", "with projection", "OpenCLIP-H", "OpenCLIP-H by transformers"],
)
def test_text_encoders(config: CLIPTextConfig, layout: infer.Layout) -> None:
    assert infer.config("text_encoder", layout, shapes_of(config, layout), {}, "here") == config


def test_image_encoders() -> None:
    shapes = shapes_of(CLIPVisionConfig(), "diffusers")
    assert infer.config("image_encoder", "diffusers", shapes, {}, "here") == CLIPVisionConfig()


def test_what_was_written_down_wins() -> None:
    small = UNetConfig(channels=(24, 36), layers=1, attention=(True, True), heads=(2, 3), groups=6, sample_size=12)
    known = {"heads": [2, 3], "groups": 6, "sample_size": 12}
    assert infer.config("unet", "diffusers", shapes_of(small, "diffusers"), known, "here") == small


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({}, "8, 8. heads"),
        ({"heads": [2, 3]}, "32 groups"),
        ({"groups": 6, "heads": 5}, "heads"),
        ({"groups": 6, "heads": [2, 3, 4]}, "heads"),
    ],
)
def test_numbers_that_fit_no_network(known: infer.Known, message: str) -> None:
    small = UNetConfig(channels=(24, 36), layers=1, attention=(True, True), heads=(2, 3), groups=6)
    with pytest.raises(CheckpointError, match=f"do not divide into .*{message}"):
        infer.config("unet", "diffusers", shapes_of(small, "diffusers"), known, "here")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "image_encoder"])
def test_nothing_to_infer_from(part: PartName) -> None:
    with pytest.raises(CheckpointError, match=r"here: the .* lacks"):
        infer.config(part, "diffusers", {}, {}, "here")


@pytest.mark.parametrize("shape", [(), (0,), (3,), (3, 3, 3, 3, 3)])
def test_no_shape_of_any_weight_is_taken_for_granted(shape: tuple[int, ...]) -> None:
    """Whichever weight has whatever shape, the answer is a sentence or a configuration, never another error."""
    tower = CLIPVisionConfig(layers=2)
    parts: list[tuple[PartName, infer.Config, infer.Layout]] = [
        ("unet", UNetConfig(), "ldm"), ("vae", VAEConfig(), "ldm"), ("text_encoder", CLIPTextConfig(), "openclip"),
        ("image_encoder", tower, "diffusers"),
    ]  # fmt: skip
    for part, config, layout in parts:
        shapes = shapes_of(config, layout)
        refused = 0
        for key in shapes:
            try:
                infer.config(part, layout, shapes | {key: shape}, {}, "here")
            except CheckpointError:
                refused += 1
        assert refused >= 1


@pytest.mark.parametrize(
    ("part", "layout", "key"),
    [
        ("unet", "ldm", "input_blocks.999999999.0.op.weight"),
        ("unet", "diffusers", "down_blocks.0.resnets.999999999.norm1.weight"),
        ("vae", "ldm", "encoder.down.999999999.block.0.norm1.weight"),
        ("text_encoder", "openclip", "transformer.resblocks.999999999.ln_1.weight"),
    ],
)
def test_a_key_cannot_ask_for_a_billion_blocks(part: PartName, layout: infer.Layout, key: str) -> None:
    with pytest.raises(CheckpointError, match="shapes that no such network has"):
        infer.config(part, layout, {key: (4,)}, {}, "here")


def test_layouts_are_told_by_their_keys() -> None:
    parts = states(tiny("sd2"))
    assert layout_of("unet", parts["unet"]) == layout_of("vae", parts["vae"]) == "diffusers"
    assert layout_of("text_encoder", parts["text"]) == "diffusers"
    assert layout_of("unet", compvis.unet(parts["unet"])) == layout_of("vae", compvis.vae(parts["vae"])) == "ldm"
    assert layout_of("text_encoder", compvis.openclip(parts["text"])) == "openclip"
