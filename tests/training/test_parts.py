"""The parts: what each asks of its network, against the definition; and what whitening must not change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.diffusion.denoiser import Levels
from garasu.networks.clip_text import CLIPText
from garasu.networks.clip_vision import CLIPVision
from garasu.networks.vae import VAE, VAEConfig
from garasu.prompts.conditioning import encode
from garasu.training.base import BaseRun
from garasu.training.data import Pictures, draw_world
from garasu.training.loop import Habits, Part, TrainingError
from garasu.training.machine import Machine
from garasu.training.parts.clip import CLIPPart, balance, initialise, square, trimmed_ids
from garasu.training.parts.faces import FACE_WEIGHT, FacesPart, face_weights
from garasu.training.parts.perceptual import Perceptual
from garasu.training.parts.unet import UNetPart, cache, freeze
from garasu.training.parts.vae import CROP, DECODER_NOISE, LATENT_NOISE, WHITEN_AT, DecoderPart, VAEPart, whiten
from garasu.training.recipes import RECIPES, TOY

CPU = Machine("cpu")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return draw_world(tmp_path_factory.mktemp("drawn"), 24, {(96, 96): 0.75, (64, 128): 0.25}, captions=2, seed=0)


@pytest.fixture(scope="module")
def run(toy_run: Path) -> BaseRun:
    return BaseRun(toy_run, RECIPES["toy"], CPU, None, Habits())


def learn(part: Part, steps: int, size: int, lr: float = 3e-3) -> list[float]:
    """The loss of each step of plain Adam on one batch."""
    optimizer = torch.optim.Adam(part.parameters(), lr)
    batch = part.batch(1, size, CPU)
    losses = []
    for _ in range(steps):
        loss = part(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# VAE


@pytest.fixture
def vae() -> VAE:
    torch.manual_seed(0)
    return VAE(VAEConfig(channels=(8, 8, 16, 16), layers=1, groups=4)).double()


def latents_of(vae: VAE, images: Tensor) -> Tensor:
    with torch.no_grad():
        return vae.encode(images).mean


@pytest.mark.parametrize("collapsed", [False, True])
def test_whitening_keeps_pictures_and_makes_latents_white(vae: VAE, collapsed: bool) -> None:
    images = torch.randn(12, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        vae.quant_conv.bias.normal_()
        if collapsed:  # two channels say the same: no whitening can tell them apart
            vae.quant_conv.weight[1] = vae.quant_conv.weight[0]
            vae.quant_conv.bias[1] = vae.quant_conv.bias[0]
        before = latents_of(vae, images)
        decoded = vae.decode(before)
        whiten(vae, before)
        after = latents_of(vae, images)
        assert (vae.decode(after) - decoded).abs().max() < 1e-9
    flat = after.transpose(0, 1).flatten(1)
    assert flat.mean(1).abs().max() < 1e-9
    values = torch.linalg.eigvalsh(torch.cov(flat))
    if collapsed:
        assert values[0] < 1e-6
        assert (values[1:] <= 1 + 1e-9).all()
    else:
        assert (torch.cov(flat) - torch.eye(4)).abs().max() < 1e-9


def test_whitening_scales_the_spread_of_the_posterior_as_its_mean(vae: VAE) -> None:
    """Where all variances are alike, z' = F z has variances Σ_j F_ij² times theirs."""
    images = torch.randn(8, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        vae.quant_conv.weight[4:] = 0
        vae.quant_conv.bias[4:] = -3.0
        before = vae.encode(images)
        whiten(vae, before.mean)
        after = vae.encode(images)
    one = torch.linalg.lstsq(  # the map, found from what it did to the means
        (before.mean - before.mean.mean((0, 2, 3), keepdim=True)).transpose(0, 1).flatten(1).T,
        after.mean.transpose(0, 1).flatten(1).T,
    ).solution.T
    expected = one.square().sum(1) * before.std[0, 0, 0, 0] ** 2
    assert torch.allclose(after.std[0, :, 0, 0] ** 2, expected, rtol=1e-6)


def test_vae_batches_are_crops_and_now_and_then_whole_pictures(pictures: Pictures) -> None:
    part = VAEPart(TOY.vae, pictures, steps=100)
    sizes = {step: tuple(part.batch(step, 8, CPU)["images"].shape) for step in (1, 2, 5, 6, 12, 89, 90, 91, 99)}
    crops = {step for step, shape in sizes.items() if shape == (8, 3, CROP, CROP)}
    assert crops == {1, 2, 5, 89}
    assert all(sizes[step][0] == 2 and sizes[step][2:] in {(96, 96), (128, 64)} for step in (6, 12, 90, 91, 99))


def test_vae_batches_depend_on_the_step_alone(pictures: Pictures) -> None:
    part = VAEPart(TOY.vae, pictures, steps=100)
    assert same(part.batch(7, 4, CPU), part.batch(7, 4, CPU))
    assert not same(part.batch(7, 4, CPU), part.batch(8, 4, CPU))


def test_the_decoder_meets_a_little_noise(pictures: Pictures) -> None:
    disturbance = VAEPart(TOY.vae, pictures, steps=100).batch(1, 64, CPU)["disturbance"]
    spread = disturbance.std(dim=(1, 2, 3))
    assert spread.max() < 1.5 * LATENT_NOISE
    assert spread.min() < 0.3 * LATENT_NOISE
    assert 0.3 * LATENT_NOISE < spread.mean() < 0.7 * LATENT_NOISE


def test_vae_psnr_is_that_of_its_squared_error(pictures: Pictures) -> None:
    part = VAEPart(TOY.vae, pictures, steps=100)
    batch = part.batch(1, 4, CPU)
    batch["disturbance"] = torch.zeros_like(batch["disturbance"])
    batch["noise"] = torch.zeros_like(batch["noise"])
    with torch.no_grad():
        found = part(batch)
        decoded = part.vae.decode(part.vae.encode(batch["images"]).mean)
    squared = float(((decoded - batch["images"]).double() / 2).square().mean())  # of pixels in 0…1
    assert float(found["psnr"]) == pytest.approx(10 * np.log10(1 / squared), abs=1e-3)


def test_vae_learns_and_whitens_on_the_way(pictures: Pictures) -> None:
    torch.manual_seed(0)
    part = VAEPart(TOY.vae, pictures, steps=100)
    losses = learn(part, 40, 4)
    assert losses[-1] < 0.6 * losses[0]
    before = [one.detach().clone() for one in part.vae.quant_conv.parameters()]
    part.after_step(WHITEN_AT[0] - 1)
    assert all(torch.equal(a, b) for a, b in zip(before, part.vae.quant_conv.parameters(), strict=True))
    part.after_step(WHITEN_AT[0])
    assert not any(torch.equal(a, b) for a, b in zip(before, part.vae.quant_conv.parameters(), strict=True))
    assert part.sheet().size == (6 * 64, 2 * 128)  # six pictures of the first bucket, and what is left of them


def test_the_decoder_stage_cuts_pictures_and_latents_at_the_same_place(pictures: Pictures) -> None:
    """Latents that are block averages must be those of the pixels they come with."""

    def averages(images: Tensor) -> Tensor:
        return F.avg_pool2d(images.mean(1, keepdim=True), 8).expand(-1, 4, -1, -1)

    latents = [averages(b.images(range(len(b.captions)))).half().numpy() for b in pictures.buckets]
    part = DecoderPart(VAE(TOY.vae), pictures, latents)
    for step in (1, 2, 3, 6):
        batch = part.batch(step, 8, CPU)
        assert batch["latents"].shape[-1] * 8 == batch["images"].shape[-1]
        off = (batch["latents"] * TOY.vae.scaling_factor - averages(batch["images"])).abs()
        assert off.mean() < DECODER_NOISE
        assert off.max() > 0, "a decoder that never met noise draws blotches"


def test_the_decoder_stage_leaves_the_encoder_alone(run: BaseRun) -> None:
    vae = run.finished()[0]
    before = {name: value.clone() for name, value in vae.state_dict().items()}
    latents = [np.zeros((len(b.captions), 4, b.size[1] // 8, b.size[0] // 8), np.float16) for b in run.pictures.buckets]
    learn_some(DecoderPart(vae, run.pictures, latents))
    changed = {name for name, value in vae.state_dict().items() if not torch.equal(before[name], value)}
    assert changed == {name for name in before if name.startswith(("decoder.", "post_quant_conv."))}


def learn_some(part: Part) -> None:
    """Two steps over the parameters that may be trained."""
    optimizer = torch.optim.Adam([one for one in part.parameters() if one.requires_grad], 1e-3)
    for step in range(2):
        part(part.batch(step, 4, CPU))["loss"].backward()
        optimizer.step()


# CLIP


@pytest.fixture
def clip(run: BaseRun) -> CLIPPart:
    torch.manual_seed(0)
    text = run.finished()[1].config
    return CLIPPart(text, TOY.vision, run.tokenizer, run.pictures)


def test_trimming_captions_changes_nothing(run: BaseRun) -> None:
    text = run.finished()[1]
    tokenizer = run.tokenizer
    captions = ["cat", "a black cat with yellow eyes on the beach", "two sleeping kittens, watercolor"]
    short = trimmed_ids(tokenizer, captions, 77)
    whole = torch.tensor([tokenizer.fit(one).ids for one in captions])
    assert short.shape[1] == max(len(tokenizer.tokens(one)) for one in captions) + 2
    with torch.no_grad():
        pooled = [text.pooled(text(ids), ids, tokenizer.eos_id) for ids in (short, whole)]
    assert (pooled[0] - pooled[1]).abs().max() < 1e-5


def test_clip_batches_pair_pictures_with_their_own_captions_and_labels(clip: CLIPPart) -> None:
    batch = clip.batch(3, 16, CPU)
    assert same(batch, clip.batch(3, 16, CPU))
    assert batch["pixels"].shape == (16, 3, 64, 64)
    values = clip.pictures.label_values
    found = 0
    for pixels, ids, labels in zip(batch["pixels"], batch["ids"], batch["labels"], strict=True):
        for bucket in clip.pictures.buckets:
            for index in range(len(bucket.captions)):
                if not torch.equal(square(bucket.images([index]), 64)[0], pixels):
                    continue
                own = [trimmed_ids(clip.tokenizer, [one], 77)[0].tolist() for one in bucket.captions[index]]
                assert any(ids.tolist()[: len(one)] == one for one in own)
                said = {name: values[name][i] for name, i in zip(clip.label_heads, labels.tolist(), strict=True)}
                assert said.items() <= bucket.labels[index].items()
                found += 1
                break
    assert found == 16


def test_clip_loss_is_cross_entropy_both_ways(clip: CLIPPart) -> None:
    batch = clip.batch(1, 6, CPU)
    with torch.no_grad():
        found = clip(batch)
        words = clip.text.project(clip.text.pooled(clip.text(batch["ids"]), batch["ids"], clip.tokenizer.eos_id))
        words, seen = (one / one.norm(dim=1, keepdim=True) for one in (words, clip.vision(batch["pixels"])))
        scores = (seen @ words.T / 0.07).double()
        over_words, over_pictures = scores.softmax(1).diagonal().log(), scores.softmax(0).diagonal().log()
    assert float(found["contrast"]) == pytest.approx(float(-(over_words + over_pictures).mean() / 2), abs=1e-4)
    assert float(found["found"]) == pytest.approx((scores.argmax(1) == torch.arange(6)).double().mean().item())


def test_clip_learns_to_tell_pictures_apart(clip: CLIPPart) -> None:
    batch = clip.batch(1, 8, CPU)
    learn(clip, 60, 8)
    with torch.no_grad():
        assert float(clip(batch)["found"]) > 0.8  # one of them may be there twice


def test_rare_values_weigh_by_the_root_of_their_rarity(pictures: Pictures) -> None:
    labels = [{"fur": "black"}] * 9 + [{"fur": "white"}] * 4 + [{"fur": "red"}]
    (bucket, *_), some = pictures.buckets, len(labels)
    few = Pictures([replace(bucket, captions=[["x"]] * some, labels=labels)])
    assert balance(few, "fur", ["black", "red", "white"]).tolist() == pytest.approx([1, 3, 1.5])


def test_the_label_loss_is_the_weighted_cross_entropy(clip: CLIPPart) -> None:
    batch = clip.batch(0, 8, CPU)
    with torch.no_grad():
        found = clip(batch)["labels"].item()
        hidden = clip.text(batch["ids"])
        words = clip.text.pooled(hidden, batch["ids"], clip.tokenizer.eos_id) + hidden.mean(1)
        seen = clip.vision(batch["pixels"])
    expected = []
    for i, head in enumerate(clip.label_heads.values()):
        label, total = batch["labels"][:, i], 0.0
        for scores in (head.from_text(words), head.from_picture(seen)):
            own = -scores.log_softmax(1)[torch.arange(len(label)), label]
            total += ((head.weights[label] * own).sum() / head.weights[label].sum()).item()
        expected.append(total)
    assert found == pytest.approx(sum(expected) / len(expected), rel=1e-5)


def test_clip_does_without_labels(clip: CLIPPart, run: BaseRun) -> None:
    bare = Pictures([replace(one, labels=[{}] * len(one.captions)) for one in run.pictures.buckets])
    part = CLIPPart(clip.text.config, TOY.vision, run.tokenizer, bare)
    found = part(part.batch(0, 4, CPU))
    assert float(found["labels"]) == 0
    assert torch.isfinite(found["loss"])


def test_initial_weights_are_narrow(clip: CLIPPart) -> None:
    for one in clip.parameters():
        nn.init.zeros_(one)
    initialise(clip)
    depth, width = clip.text.config.layers, clip.text.config.width
    assert clip.text.token_embedding.weight.std().item() == pytest.approx(0.02, rel=0.05)
    layer = clip.text.layers[0]
    assert layer.self_attention.to_q.weight.std().item() == pytest.approx(width**-0.5, rel=0.1)
    assert layer.feed_forward.proj_out.weight.std().item() == pytest.approx((width * 2 * depth) ** -0.5, rel=0.1)


# U-Net


@pytest.fixture
def unet(run: BaseRun) -> UNetPart:
    torch.manual_seed(0)
    vae, text, _ = run.finished()
    frozen = freeze(vae, text, run.tokenizer, CPU.device)
    return UNetPart(TOY.unet, frozen, cache(run.pictures, frozen, run.out / "cache", CPU))


def test_cached_latents_and_texts_are_the_networks_own(run: BaseRun, unet: UNetPart) -> None:
    vae, text, _ = run.finished()
    for bucket, cached in zip(run.pictures.buckets, unet.cached, strict=True):
        assert len(cached.latents) == len(bucket.captions)
        with torch.no_grad():
            latent = vae.encode(bucket.images([5])).mean[0] * vae.config.scaling_factor
            states = encode(text, run.tokenizer, bucket.captions[5]).tensor
        for kept, own in ((cached.latents[5], latent), (cached.texts[5], states)):
            assert (torch.from_numpy(kept.copy()).float() - own).abs().mean() < 0.02  # bfloat16's rounding


def test_latents_that_train_the_unet_have_unit_variance(unet: UNetPart) -> None:
    flat = [one.latents.astype(np.float64).transpose(1, 0, 2, 3).reshape(4, -1) for one in unet.cached]
    latents = np.concatenate(flat, 1)  # [C, P]
    assert np.abs(latents.std(1) - 1).max() < 0.3
    assert np.abs(latents.mean(1)).max() < 0.3


def test_only_the_unet_is_trained(unet: UNetPart) -> None:
    assert {id(one) for one in unet.parameters()} == {id(one) for one in unet.unet.parameters()}
    frozen: CLIPText = unet.frozen.text
    assert not any(one.requires_grad for one in [*frozen.parameters(), *unet.frozen.vae.parameters()])


def test_a_tenth_of_the_captions_is_empty_and_times_are_spread_evenly(unet: UNetPart) -> None:
    batch = unet.batch(0, 500, CPU)
    empty = (batch["texts"] == unet.frozen.empty).all(dim=(1, 2))
    assert 0.05 < empty.float().mean() < 0.16
    t = Levels(*batch["levels"]).t
    assert torch.allclose(t, t.round(), atol=1e-4)
    per_fifty = torch.histc(t.round(), bins=20, min=0, max=1000)
    assert per_fifty.tolist() == pytest.approx([25] * 20, abs=1)
    assert same(unet.batch(4, 8, CPU), unet.batch(4, 8, CPU))


def test_unet_loss_is_the_weighted_error_of_the_noise(unet: UNetPart) -> None:
    """Ho et al. 2020, eq. 14, with Hang et al. 2023's weights min(SNR, 5) / SNR, in Stable Diffusion's betas."""
    batch = unet.batch(2, 6, CPU)
    t = Levels(*batch["levels"]).t.round()
    alpha = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)[t.long()]  # ᾱ [B]
    signal, noise = (torch.from_numpy(one**0.5).float().view(-1, 1, 1, 1) for one in (alpha, 1 - alpha))
    snr = alpha / (1 - alpha)
    with torch.no_grad():
        predicted = unet.unet(signal * batch["latents"] + noise * batch["noise"], t, batch["texts"])
        error = (predicted - batch["noise"]).square().mean(dim=(1, 2, 3)).double().numpy()
        found = float(unet(batch)["loss"])
    assert found == pytest.approx(float((np.minimum(snr, 5) / snr * error).mean()), rel=1e-4)


def test_unet_learns_and_shows_a_sheet(unet: UNetPart) -> None:
    losses = learn(UNetPart(TOY.unet, unet.frozen, unet.cached), 40, 8)
    assert losses[-1] < 0.8 * losses[0]
    assert unet.sheet().size == (4 * 64, 3 * 64)


# the perceptual term


@pytest.fixture
def perceptual() -> Perceptual:
    torch.manual_seed(0)
    return Perceptual(CLIPVision(TOY.vision).double(), weight=0.5)


def test_the_perceptual_error_is_that_of_every_layers_normalised_states(perceptual: Perceptual) -> None:
    rng = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 3, 3, 64, 64, dtype=torch.float64, generator=rng)
    states: list[list[Tensor]] = [[], []]
    for kept, images in zip(states, (a, b), strict=True):
        hooks = [
            layer.register_forward_hook(lambda _, __, out, kept=kept: kept.append(out))
            for layer in perceptual.vision.layers
        ]
        perceptual.vision(images)
        for hook in hooks:
            hook.remove()
    expected = 0.0
    for left, right in zip(*states, strict=True):
        unit = [
            (one - one.mean(-1, keepdim=True)) / (one.var(-1, keepdim=True, correction=0) + 1e-5).sqrt()
            for one in (left, right)
        ]
        expected += (unit[0] - unit[1]).square().mean().item() / len(states[0])
    assert perceptual(a, b).item() == pytest.approx(0.5 * expected, rel=1e-9)


def test_the_perceptual_error_of_a_picture_to_itself_is_nothing(perceptual: Perceptual) -> None:
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    assert perceptual(images, images).item() == 0
    assert not any(one.requires_grad for one in perceptual.parameters())


def test_only_whole_pictures_are_seen_by_the_perceptual_term(pictures: Pictures, perceptual: Perceptual) -> None:
    plain, seeing = (VAEPart(TOY.vae, pictures, 12, perceptual=one) for one in (None, perceptual.float()))
    seeing.vae.load_state_dict(plain.vae.state_dict())
    for step, whole in ((0, True), (1, False)):
        batch = plain.batch(step, 8, CPU)
        assert bool(batch["whole"]) == whole
        with torch.no_grad():
            assert (seeing(batch)["loss"] > plain(batch)["loss"]) == whole


def test_a_vae_to_go_on_from_is_not_made_simple_or_whitened_again(pictures: Pictures) -> None:
    start = VAE(TOY.vae)
    part = VAEPart(TOY.vae, pictures, 1000, start=start)
    part(part.batch(WHITEN_AT[0], 4, CPU))
    part.after_step(WHITEN_AT[0])
    assert same(part.vae.state_dict(), start.state_dict())
    assert part.batch(1, 4, CPU)["edges"] == 0


# faces


@pytest.fixture
def faces(pictures: Pictures) -> FacesPart:
    latents = [
        np.random.default_rng(0).normal(size=(len(one.captions), 4, one.size[1] // 8, one.size[0] // 8)).astype("f2")
        for one in pictures.buckets
    ]
    return FacesPart(VAE(TOY.vae), pictures, latents)


def test_crops_show_faces_with_the_latents_of_their_place(faces: FacesPart) -> None:
    batch = faces.batch(1, 6, CPU)
    side = min(CROP, 64)
    assert batch["images"].shape == (6, 3, side, side)
    assert batch["latents"].shape == (6, 4, side // 8, side // 8)
    for image, latent, weights in zip(batch["images"], batch["latents"], batch["weights"], strict=True):
        assert set(weights.unique().tolist()) <= {1.0, FACE_WEIGHT}
        assert (weights == FACE_WEIGHT).float().mean() > 0.02
        found = [
            (number, index, top, left)
            for number, bucket in enumerate(faces.pictures.buckets)
            for index in range(len(bucket.captions))
            for top in range(0, bucket.size[1] - side + 1, 8)
            for left in range(0, bucket.size[0] - side + 1, 8)
            if torch.equal(bucket.images([index])[0, :, top : top + side, left : left + side], image)
        ]
        number, index, top, left = found[0]
        source = torch.from_numpy(faces.latents[number][index]).float()
        expected = source[:, top // 8 : (top + side) // 8, left // 8 : (left + side) // 8]
        assert (latent - expected).abs().max() < 8 * DECODER_NOISE  # noise of at most that deviation


def test_every_fourth_batch_is_the_decoders_own(faces: FacesPart) -> None:
    assert "weights" not in faces.batch(4, 4, CPU)
    assert faces(faces.batch(4, 4, CPU))["loss"] > 0


def test_an_error_in_a_face_weighs_more(faces: FacesPart) -> None:
    batch = faces.batch(1, 6, CPU)
    with torch.no_grad():
        errors = (faces.vae.decode(batch["latents"]) - batch["images"]).square()
    weights = batch["weights"].expand_as(errors)
    inside = errors[weights == FACE_WEIGHT]
    outside = errors[weights == 1]
    mean = (FACE_WEIGHT * inside.sum() + outside.sum()) / (FACE_WEIGHT * len(inside) + len(outside))
    assert faces(batch)["loss"].item() == pytest.approx(4 * mean.item(), rel=1e-5)


def test_only_the_decoder_learns_faces(faces: FacesPart) -> None:
    before = {name: value.clone() for name, value in faces.vae.state_dict().items()}
    learn(faces, 2, 4)
    for name, value in faces.vae.state_dict().items():
        assert torch.equal(before[name], value) == name.startswith(("encoder.", "quant_conv.")), name


def test_pictures_without_faces_are_refused(pictures: Pictures) -> None:
    plain = Pictures([replace(one, faces=[[] for _ in one.faces]) for one in pictures.buckets])
    assert not plain.have_faces
    with pytest.raises(TrainingError, match="None of these pictures has its faces marked"):
        FacesPart(VAE(TOY.vae), plain, [])


def test_weights_of_faces_that_reach_over_the_edge() -> None:
    boxes = torch.tensor([[(-4, 2, 3, 5), (6, 6, 12, 12)], [(0, 0, 0, 0), (0, 0, 3, 2)]])
    whole, window = face_weights(boxes, torch.tensor([0, 1]), torch.tensor([0, 2]), 8, 10)
    assert whole[0, 2:5, :3].eq(FACE_WEIGHT).all()
    assert whole[0, 6:, 6:].eq(FACE_WEIGHT).all()
    assert whole.eq(FACE_WEIGHT).sum() == 9 + 8
    assert window.eq(FACE_WEIGHT).nonzero().tolist() == [[0, 0, 0]]
    assert set(whole.unique().tolist()) == {1, FACE_WEIGHT}


def test_compiled_captions_come_in_few_lengths(clip: CLIPPart) -> None:
    captions = ["cat", "a black cat with yellow eyes on the beach"]
    exact = trimmed_ids(clip.tokenizer, captions, 77)
    few = trimmed_ids(clip.tokenizer, captions, 77, 16)
    assert few.shape[1] % 16 == 0
    assert exact.shape[1] < few.shape[1] < exact.shape[1] + 16
    assert torch.equal(few[:, : exact.shape[1]], exact)
    assert trimmed_ids(clip.tokenizer, [40 * "cat "], 41, 16).shape[1] == 41
