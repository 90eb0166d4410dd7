"""The probe: it knows the whole world, learns from drawings, and is kept for the next time."""

import random
from collections import Counter
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from garasu.app.cli import main
from garasu.training.evaluation.probe import (
    NOISE,
    Probe,
    ProbeConfig,
    ProbePart,
    disturbed,
    draw,
    label_values,
    probe_scene,
)
from garasu.training.evaluation.probe_training import (
    ProbeError,
    judged,
    load_probe,
    save_probe,
)
from garasu.training.machine import Machine
from garasu.world.render import render
from garasu.world.scene import STYLES, is_held_out, labels, random_scene

CPU = Machine("cpu")
SMALL = ProbeConfig(size=48, channels=(8, 16, 16), fields=2)


def test_every_label_of_the_world_has_a_place() -> None:
    rng = random.Random(0)
    values = label_values()
    met: dict[str, set[str]] = {name: set() for name in values}
    for _ in range(6000):
        for name, value in labels(probe_scene(rng)).items():
            assert value in values[name]
            met[name].add(value)
    assert met == {name: set(known) for name, known in values.items()}, "a value that never occurs cannot be learned"


def test_it_learns_from_held_out_combinations_and_from_every_style() -> None:
    rng = random.Random(0)
    scenes = [probe_scene(rng) for _ in range(600)]
    assert 0.3 < sum(map(is_held_out, scenes)) / 600 < 0.5
    styles = Counter(scene.style for scene in scenes)
    assert min(styles[style] for style in STYLES) > 0.05 * 600


def test_drawings_are_the_worlds() -> None:
    scene = random_scene(random.Random(1))
    images = draw([scene, scene], [5, 6], (40, 24))
    assert images.shape == (2, 3, 24, 40)
    pixels = torch.from_numpy(render(scene, (40, 24), 5).copy()).permute(2, 0, 1) / 255 * 2 - 1
    assert (images[0] - pixels).abs().max() < 1e-6


def test_it_reads_pictures_of_any_size_one_by_one() -> None:
    torch.manual_seed(0)
    probe = Probe(SMALL).eval()
    for size in ((48, 48), (96, 64), (33, 70)):
        images = torch.rand(3, 3, *size) * 2 - 1
        together = probe.read(images)
        assert together == [probe.read(one[None])[0] for one in images], "the batch must not decide"
        assert all(seen[name] in known for seen in together for name, known in label_values().items())


def test_scores_belong_to_their_values() -> None:
    probe = Probe(SMALL).eval()
    with torch.no_grad():
        probe.heads.weight.zero_()
        probe.heads.bias.zero_()
        before = sum(len(known) for name, known in label_values().items() if name in ("subject", "style"))
        probe.heads.bias[before + label_values()["background"].index("night")] = 1
    seen = probe.read(torch.zeros(1, 3, 48, 48))[0]
    assert seen["background"] == "night"
    assert seen["subject"] == label_values()["subject"][0]


def test_half_of_the_pictures_are_softened_and_half_are_noisy() -> None:
    images = torch.rand(400, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    changed = disturbed(images, torch.Generator().manual_seed(1))
    flat = disturbed(torch.zeros_like(images), torch.Generator().manual_seed(1))  # the same, and nothing to soften
    softened = (changed - images - flat).abs().amax(dim=(1, 2, 3)) > 1e-6
    noisy = flat.abs().amax(dim=(1, 2, 3)) > 0
    assert 0.4 < softened.float().mean() < 0.6
    assert 0.4 < noisy.float().mean() < 0.6
    assert 0.15 < (softened & noisy).float().mean() < 0.35
    assert flat.std(dim=(1, 2, 3)).max() < 1.1 * NOISE
    assert (changed.var(dim=(1, 2, 3)) < images.var(dim=(1, 2, 3)))[softened & ~noisy].all()
    assert torch.equal(changed, disturbed(images, torch.Generator().manual_seed(1)))


def test_a_batch_carries_the_labels_of_its_pictures() -> None:
    part = ProbePart(Probe(SMALL))
    batch = part.batch(3, 16, CPU)
    again = part.batch(3, 16, CPU)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert not torch.equal(batch["labels"], part.batch(4, 16, CPU)["labels"])
    rng = random.Random("probe/0/3/0")
    scenes = [probe_scene(rng) for _ in range(16)]
    for scene, row in zip(scenes, batch["labels"].tolist(), strict=True):
        said = {name: known[i] for (name, known), i in zip(part.probe.values.items(), row, strict=True)}
        assert said == labels(scene)


def test_it_learns() -> None:
    """A few dozen steps of a tiny one tell backgrounds apart far better than chance (1 in 7)."""
    torch.manual_seed(0)
    part = ProbePart(Probe(SMALL))
    optimizer = torch.optim.Adam(part.parameters(), 3e-3)
    for step in range(120):
        loss = part(part.batch(step, 16, CPU))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    verdicts = list(judged(part.probe.eval(), 128, seed=0))
    assert sum(truth["background"] == seen["background"] for truth, seen in verdicts) / 128 > 0.5


def test_it_is_tested_on_seen_and_held_out_scenes_alike() -> None:
    truths = [truth for truth, _ in judged(Probe(SMALL).eval(), 40, seed=0)]
    assert len(truths) == 40
    assert truths == [truth for truth, _ in judged(Probe(SMALL).eval(), 40, seed=0)]
    assert truths != [truth for truth, _ in judged(Probe(SMALL).eval(), 40, seed=1)]


def test_a_kept_probe_reads_as_before(tmp_path: Path) -> None:
    torch.manual_seed(0)
    probe = Probe(SMALL).eval()
    save_probe(probe, tmp_path / "probe.safetensors")
    images = torch.rand(8, 3, 48, 48) * 2 - 1
    again = load_probe(tmp_path / "probe.safetensors")
    assert again.config == SMALL
    assert again.read(images) == probe.read(images)


def test_files_that_are_no_probe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"no probe in .*gone; leave --probe out for"):
        load_probe(tmp_path / "gone")
    (tmp_path / "text").write_text("not a probe")
    with pytest.raises(ProbeError, match="text is no probe"):
        load_probe(tmp_path / "text")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ProbeError, match=r"other\.safetensors is no probe"):
        load_probe(tmp_path / "other.safetensors")
    save_probe(Probe(SMALL, {"subject": ["fox", "robot"]}), tmp_path / "foreign.safetensors")
    with pytest.raises(ProbeError, match="a world with other attributes"):
        load_probe(tmp_path / "foreign.safetensors")


def test_the_one_that_comes_along_reads_real_drawings() -> None:
    """At least 98 % of every attribute; the world may not change without training it again."""
    counts: dict[str, list[int]] = {}
    for truth, seen in judged(load_probe(), 600, seed=5):
        for name, value in truth.items():
            if value != "none":
                counts.setdefault(name, []).append(value == seen[name])
    assert counts.keys() == label_values().keys()
    assert {name: sum(right) / len(right) for name, right in counts.items() if sum(right) < 0.98 * len(right)} == {}


def test_the_command_trains_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "probe.safetensors"
    with pytest.raises(SystemExit) as left:
        main(["train", "probe", "-o", str(out), "--steps", "1", "--device", "cpu"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert load_probe(out).config == ProbeConfig()
    with pytest.raises(SystemExit) as left:
        main(["train", "probe", "-o", str(tmp_path / "probe.pt")])
    assert left.value.code == 2
    assert "name it probe.safetensors" in capsys.readouterr().err


def test_the_hard_attributes_weigh_more() -> None:
    part = ProbePart(Probe(SMALL)).eval()
    batch = part.batch(0, 8, CPU)
    with torch.no_grad():
        found = part(batch)
        scores = part.probe(batch["images"])
    parts = [
        {"subject": 3, "style": 4, "pattern": 2, "accessory": 2}.get(name, 1)
        * -one.log_softmax(1)[range(8), batch["labels"][:, i]].mean()
        for i, (name, one) in enumerate(scores.items())
    ]
    right = [(one.argmax(1) == batch["labels"][:, i]).double().mean() for i, one in enumerate(scores.values())]
    assert found["loss"].item() == pytest.approx(sum(parts).item() / len(parts), abs=1e-5)
    assert found["right"].item() == pytest.approx(sum(right).item() / len(right), abs=1e-6)
