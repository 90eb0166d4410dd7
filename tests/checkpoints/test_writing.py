"""What we save, diffusers and transformers load, and it answers the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline
from safetensors.torch import load_file
from tests.checkpoints.models import Models, difference, outputs, quietly, tiny, vision
from tests.conftest import MERGES
from torch import Tensor

from garasu.checkpoints import Checkpoint, CheckpointError, read, read_vae, write_file, write_folder, write_vae
from garasu.checkpoints import writing as module
from garasu.checkpoints.betas import Betas
from garasu.checkpoints.safetensors_file import Outgoing
from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig
from garasu.networks.unet import UNet, UNetConfig
from garasu.networks.vae import VAE, VAEConfig
from garasu.prompts.tokenizer import Tokenizer
from garasu.prompts.vocabulary import Vocabulary

EXACT = 1e-5


def small() -> Checkpoint:
    """Ours alone: its own vocabulary, both halves of CLIP, odd numbers of heads and groups."""
    words = Tokenizer(Vocabulary.from_merges(MERGES))
    torch.manual_seed(0)
    return Checkpoint(
        unet=UNet(
            UNetConfig(
                channels=(16, 24, 24), layers=1, attention=(False, True, True), heads=(2, 3, 4), context_width=16,
                groups=8, sample_size=16, guidance_width=12,
            )
        ),
        vae=VAE(VAEConfig(channels=(8, 16), layers=1, groups=4, scaling_factor=0.7)),
        text_encoder=CLIPText(CLIPTextConfig(words.vocab_size, 16, 2, 4, 32, projection_width=12)),
        tokenizer=words,
        image_encoder=CLIPVision(CLIPVisionConfig(32, 16, 16, 2, 4, 32, projection_width=12)),
        betas=Betas(0.001, 0.02, 500, "linear"),
    )  # fmt: skip


def weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    networks = {"u": checkpoint.unet, "v": checkpoint.vae, "t": checkpoint.text_encoder, "i": checkpoint.image_encoder}
    return {f"{k}.{name}": w for k, n in networks.items() if n is not None for name, w in n.state_dict().items()}


def same(one: Checkpoint, other: Checkpoint) -> bool:
    a, b = weights(one), weights(other)
    return (
        a.keys() == b.keys()
        and all(torch.equal(a[key], b[key]) for key in a)
        and one.unet.config == other.unet.config
        and one.vae.config == other.vae.config
        and one.text_encoder.config == other.text_encoder.config
        and (one.prediction, one.betas) == (other.prediction, other.betas)
        and one.tokenizer.fit("a black cat!") == other.tokenizer.fit("a black cat!")
    )


def theirs(pipeline: DiffusionPipeline) -> dict[str, Tensor]:
    return outputs(pipeline.unet, pipeline.vae, pipeline.text_encoder, peers=True)


@pytest.mark.parametrize("kind", ["sd1", "inpainting", "sd2"])
def test_diffusers_loads_the_folder_and_the_single_file(kind: str, tmp_path: Path) -> None:
    models = tiny(kind, seed=4)
    expected = outputs(models.unet, models.vae, models.text, peers=True)
    checkpoint = read(models.save(tmp_path))
    write_folder(checkpoint, tmp_path / "out")
    pipeline = quietly(DiffusionPipeline.from_pretrained, tmp_path / "out")
    assert max(difference(theirs(pipeline), expected).values()) <= EXACT
    assert type(pipeline).__name__ == f"StableDiffusion{'Inpaint' if kind == 'inpainting' else ''}Pipeline"
    assert pipeline.scheduler.config.prediction_type == ("v_prediction" if kind == "sd2" else "epsilon")
    assert pipeline.tokenizer("a cat!", padding="max_length").input_ids == list(checkpoint.tokenizer.fit("a cat!").ids)

    write_file(checkpoint, tmp_path / "out.safetensors")
    assert same(read(tmp_path / "out.safetensors"), checkpoint)
    loads = StableDiffusionInpaintPipeline if kind == "inpainting" else StableDiffusionPipeline
    single = quietly(loads.from_single_file, str(tmp_path / "out.safetensors"), config=str(tmp_path / "out"))
    assert max(difference(theirs(single), expected).values()) <= EXACT


def test_everything_survives_the_folder(tmp_path: Path) -> None:
    write_folder(small(), tmp_path / "m")
    assert same(read(tmp_path / "m"), small())


def test_everything_survives_the_single_file(tmp_path: Path) -> None:
    write_file(small(), tmp_path / "m.safetensors")
    assert same(read(tmp_path / "m.safetensors"), small())


def test_both_halves_of_clip_and_shards_are_read_by_diffusers(tmp_path: Path) -> None:
    checkpoint = small()
    write_folder(checkpoint, tmp_path / "m", max_shard_bytes=60_000)
    sizes = [file.stat().st_size for file in (tmp_path / "m").rglob("*.safetensors")]
    assert max(sizes) <= 60_000
    assert {"unet", "vae", "text_encoder", "image_encoder"} == {
        index.parent.name for index in (tmp_path / "m").rglob("*.safetensors.index.json")
    }
    pipeline = quietly(StableDiffusionPipeline.from_pretrained, tmp_path / "m")
    pixels = torch.randn(1, 3, 32, 32)
    x, t, context = torch.randn(1, 4, 8, 8), torch.tensor([7.0]), torch.randn(1, 5, 16)
    assert checkpoint.image_encoder is not None
    with torch.no_grad():
        assert (pipeline.image_encoder(pixels).image_embeds - checkpoint.image_encoder(pixels)).abs().max() <= EXACT
        assert (pipeline.unet(x, t, context).sample - checkpoint.unet(x, t, context)).abs().max() <= EXACT
        ids = torch.tensor([checkpoint.tokenizer.fit("a cat").ids])
        assert (pipeline.text_encoder(ids)[0] - checkpoint.text_encoder(ids)).abs().max() <= EXACT
        assert pipeline.vae.config.scaling_factor == 0.7
    assert same(read(tmp_path / "m"), checkpoint)


def test_diffusers_reads_a_single_file_with_both_halves_of_clip(sd1_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(sd1_folder, tmp_path / "m")
    vision().save_pretrained(tmp_path / "m" / "image_encoder")
    checkpoint = read(tmp_path / "m")
    write_file(checkpoint, tmp_path / "m.safetensors")
    pipeline = quietly(
        StableDiffusionPipeline.from_single_file, str(tmp_path / "m.safetensors"), config=str(sd1_folder)
    )
    ours = outputs(checkpoint.unet, checkpoint.vae, checkpoint.text_encoder, peers=False)
    assert max(difference(ours, theirs(pipeline)).values()) <= EXACT
    assert same(read(tmp_path / "m.safetensors"), checkpoint)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrower_types(sd1: Models, sd1_file: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    checkpoint = read(sd1_file)
    write_file(checkpoint, tmp_path / "half.safetensors", dtype=dtype)
    write_folder(checkpoint, tmp_path / "half", dtype=dtype)
    expected = {key: tensor.to(dtype) for key, tensor in weights(checkpoint).items()}
    for path in (tmp_path / "half.safetensors", tmp_path / "half"):
        found = weights(read(path))
        assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())


def test_the_file_is_what_the_safetensors_library_reads(sd1_file: Path, tmp_path: Path) -> None:
    checkpoint = read(sd1_file)
    write_file(checkpoint, tmp_path / "m.safetensors")
    original, written = load_file(sd1_file), load_file(tmp_path / "m.safetensors")
    named = {key for key in original if key.startswith(("model.d", "first", "cond")) and "position_ids" not in key}
    assert written.keys() == named
    assert all(torch.equal(written[key], original[key]) for key in named)


def test_a_vae_alone_is_read_by_diffusers_and_by_us(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vae = VAE(VAEConfig(channels=(8, 16), layers=1, groups=4)).eval()
    write_vae(vae, tmp_path / "vae")
    theirs, latent = AutoencoderKL.from_pretrained(tmp_path / "vae"), torch.randn(1, 4, 6, 5)
    with torch.no_grad():
        expected = vae.decode(latent)
        assert (theirs.decode(latent).sample - expected).abs().max() < 1e-5
        assert torch.equal(read_vae(tmp_path / "vae").decode(latent), expected)
    write_vae(vae, tmp_path / "vae", dtype=torch.float16)  # a VAE folder may be replaced
    assert torch.equal(read_vae(tmp_path / "vae").decoder.conv_in.weight, vae.decoder.conv_in.weight.half())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    with pytest.raises(CheckpointError, match="left alone"):
        write_vae(vae, tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "precious"


def test_a_folder_can_replace_itself_while_it_is_mapped(tmp_path: Path) -> None:
    write_folder(small(), tmp_path / "m")
    checkpoint = read(tmp_path / "m")
    write_folder(checkpoint, tmp_path / "m", dtype=torch.float16)
    assert weights(read(tmp_path / "m"))["u.conv_in.weight"].dtype is torch.float16
    assert same(checkpoint, small())
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(small(), tmp_path / "m")

    def fail(path: Path, tensors: dict[str, Outgoing], metadata: dict[str, str]) -> None:
        if path.parent.name == "vae":
            raise OSError("no space left on device")
        path.touch()

    monkeypatch.setattr(module, "write_tensors", fail)
    with pytest.raises(OSError, match="no space"):
        write_folder(small(), tmp_path / "m")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert same(read(tmp_path / "m"), small())


def test_a_single_file_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    write_file(small(), path)
    before = path.read_bytes()

    def fail(self: Outgoing) -> int:
        raise MemoryError

    monkeypatch.setattr(torch.Tensor, "detach", fail)
    with pytest.raises(MemoryError):
        write_file(small(), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_other_folders_and_names_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="is no checkpoint folder"):
        write_folder(small(), tmp_path)
    with pytest.raises(CheckpointError, match=r"name it m\.safetensors"):
        write_file(small(), tmp_path / "m.ckpt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_header_says_the_prediction_as_stability_spells_it(tmp_path: Path) -> None:
    write_file(small(), tmp_path / "m.safetensors")
    data = (tmp_path / "m.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["__metadata__"]["modelspec.prediction_type"] == "epsilon"
    assert header["__metadata__"]["format"] == "pt"
