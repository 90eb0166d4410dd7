"""What the parts train on, against a plain picture-by-picture implementation, from the device and from the disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from garasu.networks.vae import VAE
from garasu.training.base import BaseRun
from garasu.training.data import Bucket, Pictures, draw_world, step_rng
from garasu.training.loop import Habits, LoopSettings, Part, _Run
from garasu.training.machine import Machine
from garasu.training.parts.clip import CLIPPart
from garasu.training.parts.faces import FacesPart, _window
from garasu.training.parts.unet import UNetPart, cache, freeze
from garasu.training.parts.vae import DecoderPart, VAEPart
from garasu.training.recipes import RECIPES, TOY
from garasu.training.store import Store

SHAPES = {(96, 96): 0.5, (64, 128): 0.3, (48, 80): 0.2}
STEPS, SIZE = 24, 8
Batch = dict[str, Tensor]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return draw_world(tmp_path_factory.mktemp("drawn"), 48, SHAPES, captions=2, seed=0)


@pytest.fixture(scope="module")
def latents(pictures: Pictures) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        rng.normal(size=(len(one.captions), 4, one.size[1] // 8, one.size[0] // 8)).astype("f2")
        for one in pictures.buckets
    ]


def image(bucket: Bucket, index: int) -> Tensor:
    return torch.from_numpy(bucket.pixels[index].transpose(2, 0, 1).astype(np.float32)) / 127.5 - 1


def noise(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    strength = torch.rand(shape[0], 1, 1, 1, generator=rng)
    return 0.1 * strength * torch.randn(shape, generator=rng)


def plain_vae(pictures: Pictures, step: int) -> Batch:
    rng = step_rng(0, step)
    whole = step % 6 == 0 or step >= 18  # the last tenth of 20
    number, picks = pictures.choose(rng, 2 if whole else SIZE)
    images = [image(pictures.buckets[number], i) for i in picks]
    if not whole:
        height, width = images[0].shape[1:]
        tops = torch.randint(max(height - 64, 0) + 1, (SIZE,), generator=rng)
        lefts = torch.randint(max(width - 64, 0) + 1, (SIZE,), generator=rng)
        images = [one[:, t : t + 64, x : x + 64] for one, t, x in zip(images, tops, lefts, strict=True)]
    stacked = torch.stack(images)
    shape = (len(stacked), 4, stacked.shape[2] // 8, stacked.shape[3] // 8)
    strength = 0.15 * torch.rand(len(stacked), 1, 1, 1, generator=rng)
    return {
        "images": stacked,
        "noise": torch.randn(shape, generator=rng),
        "disturbance": strength * torch.randn(shape, generator=rng),
        "edges": torch.tensor(float(step < 12)),
        "whole": torch.tensor(whole),
    }


def plain_decoder(pictures: Pictures, latents: list[np.ndarray], step: int) -> Batch:
    rng = step_rng(0, step)
    whole = step % 6 == 0
    number, picks = pictures.choose(rng, 2 if whole else SIZE)
    images = torch.stack([image(pictures.buckets[number], i) for i in picks])
    own = torch.stack([torch.from_numpy(latents[number][i]).float() for i in picks])
    if not whole:
        t, x = (int(torch.randint(max(side - 8, 0) + 1, (), generator=rng)) for side in own.shape[2:])
        images = images[:, :, 8 * t : 8 * t + 64, 8 * x : 8 * x + 64]
        own = own[:, :, t : t + 8, x : x + 8]
    return {"images": images, "latents": own + noise(own.shape, rng), "whole": torch.tensor(whole)}


def plain_faces(pictures: Pictures, latents: list[np.ndarray], step: int) -> Batch:
    if step % 4 == 0:
        return plain_decoder(pictures, latents, step)
    rng = step_rng(0, step)
    known = [[i for i, boxes in enumerate(bucket.faces) if boxes] for bucket in pictures.buckets]
    number = int(torch.multinomial(torch.tensor([float(len(one)) for one in known]), 1, generator=rng))
    bucket = pictures.buckets[number]
    picks = [known[number][i] for i in torch.randint(len(known[number]), (SIZE,), generator=rng).tolist()]
    cuts = []
    for i in picks:
        whole = image(bucket, i)
        weights = torch.ones(1, *whole.shape[1:])
        for left, top, right, bottom in bucket.faces[i]:
            weights[:, max(top, 0) : bottom, max(left, 0) : right] = 6
        x, t = _window(bucket.faces[i], whole.shape[1:], 8, rng)
        here = slice(8 * t, 8 * t + 64), slice(8 * x, 8 * x + 64)
        latent = torch.from_numpy(latents[number][i][:, t : t + 8, x : x + 8]).float()
        cuts.append((whole[:, *here], latent, weights[:, *here]))
    images, own, weights = (torch.stack(one) for one in zip(*cuts, strict=True))
    return {"images": images, "latents": own + noise(own.shape, rng), "weights": weights}


def plain_unet(part: UNetPart, step: int) -> Batch:
    rng = step_rng(0, step)
    shares = torch.tensor([float(len(one.latents)) for one in part.cached])
    bucket = part.cached[int(torch.multinomial(shares, 1, generator=rng))]
    picks = torch.randint(len(bucket.latents), (SIZE,), generator=rng).tolist()
    which = torch.randint(bucket.texts.shape[1], (SIZE,), generator=rng).tolist()
    latents = torch.stack([torch.from_numpy(bucket.latents[i].astype("f4")) for i in picks])
    texts = [torch.from_numpy(bucket.texts[i, w].astype("f4")) for i, w in zip(picks, which, strict=True)]
    empty = (torch.rand(SIZE, generator=rng) < 0.1).tolist()
    texts = [part.frozen.empty[0] if left_out else own for left_out, own in zip(empty, texts, strict=True)]
    drawn = torch.randn(latents.shape, generator=rng)
    t = ((torch.arange(SIZE) + torch.rand(SIZE, generator=rng)) / SIZE * 1000).floor().clamp(max=999)
    levels = torch.stack(part.denoiser.levels(t, 5.0)).float()
    return {"latents": latents, "texts": torch.stack(texts), "noise": drawn, "levels": levels}


def assert_same(part: Part, plain: Callable[[int], Batch]) -> None:
    """Bit for bit, whether the arrays are held or read from the disk."""
    for budget in (0, 1 << 40):
        machine = Machine("cpu")
        machine.store = Store(machine.device, budget)
        for step in range(STEPS):
            found, expected = part.batch(step, SIZE, machine), plain(step)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert torch.equal(found[name], value), (budget, step, name)


def test_vae_batches(pictures: Pictures) -> None:
    assert_same(VAEPart(TOY.vae, pictures, 20), lambda step: plain_vae(pictures, step))


def test_decoder_batches(pictures: Pictures, latents: list[np.ndarray]) -> None:
    part = DecoderPart(VAE(TOY.vae), pictures, latents)
    assert_same(part, lambda step: plain_decoder(pictures, latents, step))


def test_faces_batches(pictures: Pictures, latents: list[np.ndarray]) -> None:
    part = FacesPart(VAE(TOY.vae), pictures, latents)
    assert_same(part, lambda step: plain_faces(pictures, latents, step))


def unet_part(run: BaseRun) -> UNetPart:
    vae, text, _ = run.finished()
    frozen = freeze(vae, text, run.tokenizer, run.machine.device)
    return UNetPart(TOY.unet, frozen, cache(run.pictures, frozen, run.out / "cache", run.machine))


def test_unet_batches(toy_run: Path) -> None:
    part = unet_part(BaseRun(toy_run, RECIPES["toy"], Machine("cpu"), None, Habits()))
    assert_same(part, lambda step: plain_unet(part, step))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["vae", "decoder", "faces", "unet", "clip"])
def test_a_step_on_a_gpu_waits_for_nothing(
    name: str, pictures: Pictures, latents: list[np.ndarray], toy_run: Path, tmp_path: Path
) -> None:
    run = BaseRun(toy_run, RECIPES["toy"], Machine("cuda"), None, Habits())
    part: Part = {
        "vae": lambda: VAEPart(TOY.vae, pictures, 100),
        "decoder": lambda: DecoderPart(VAE(TOY.vae), pictures, latents),
        "faces": lambda: FacesPart(VAE(TOY.vae), pictures, latents),
        "unet": lambda: unet_part(run),
        "clip": lambda: CLIPPart(run.finished()[1].config, TOY.vision, run.tokenizer, run.pictures),
    }[name]()
    run.machine.place(part)
    training = _Run(part, tmp_path, LoopSettings(steps=40, batch=SIZE, lr=1e-3, ema=0.9), run.machine)
    for _ in range(12):  # the arrays go to the device, kernels are chosen
        training.advance()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(12):
            training.advance()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    training.check()
