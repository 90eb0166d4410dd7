"""The whole evaluation of a toy model: its report, its sheet, its model card, and the command."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from garasu.app.cli import main
from garasu.model import StableDiffusion, load
from garasu.training.base import train_base
from garasu.training.evaluation.card import write_card
from garasu.training.evaluation.diversity import PROMPTS
from garasu.training.evaluation.evaluate import EvaluationError, evaluate, picture_count, probe_scores, save
from garasu.training.evaluation.leaking import PAIRS
from garasu.training.evaluation.measures import Score, Verdict
from garasu.training.evaluation.probe import Probe, ProbeConfig, label_values
from garasu.training.evaluation.probe_training import save_probe
from garasu.training.evaluation.promise import PROMISED, Obedience
from garasu.training.evaluation.report import EvalSettings, Report
from garasu.training.evaluation.table import table
from garasu.training.history import read_history, write_history

SETTINGS = EvalSettings(
    prompts=6, steps=2, guidance_scales=(1.0, 5.0), renders=4, retrieval_batches=1, probe_pictures=40
)  # fmt: skip
Evaluated = tuple[Report, Image.Image]


@pytest.fixture(scope="module")
def probe() -> Probe:
    torch.manual_seed(0)
    return Probe(ProbeConfig(size=48, channels=(8, 16, 16), fields=2)).eval()


@pytest.fixture(scope="module")
def toy(toy_run: Path) -> StableDiffusion:
    return load(toy_run / "model", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def evaluated(toy: StableDiffusion, probe: Probe) -> Evaluated:
    return evaluate(toy, probe, SETTINGS)


def test_the_report_has_every_measurement(evaluated: Evaluated, toy: StableDiffusion) -> None:
    report, _ = evaluated
    assert [one.guidance_scale for one in report.obedience] == [1.0, 5.0]
    for one in report.obedience:
        assert one.held_out.named["subject"].of == 6
        assert one.seen.named["subject"].of == 3
    assert report.vae.pictures == 4
    assert 3 < report.vae.whole <= report.vae.mean < 40
    assert report.retrieval is not None
    assert 0 <= report.retrieval.share <= 1
    assert report.seconds_per_picture > 0
    assert report.model.parameters["unet"] == sum(one.numel() for one in toy.unet.parameters())
    assert report.model.size == (64, 64)
    assert report.frechet.held_out.pictures == report.frechet.seen.pictures == 3, "so that both can be compared"
    assert report.frechet.tower == "the model's own"
    assert report.frechet.seen.ratio > 1, "a toy draws nothing worth seeing"
    assert len(report.diversity.prompts) == PROMPTS
    assert report.diversity.seeds == 2
    assert report.leaking.pictures.both.of == report.leaking.drawings.both.of == len(PAIRS)
    assert {one.guidance_scale for one in (report.frechet, report.diversity, report.leaking)} == {1.0}
    assert report.pictures == 2 * (6 + 3) + 2 * PROMPTS + len(PAIRS)


def test_a_whole_evaluation_takes_no_more_pictures_than_there_is_time_for() -> None:
    """At 0.45 s a picture, 15 minutes are 2000 pictures; some of the time goes to drawings and the probe."""
    assert picture_count(EvalSettings()) == 500 + 250 + 8 * 8 + 10 * 20 <= 1500


def test_the_same_model_is_judged_the_same_again(evaluated: Evaluated, toy: StableDiffusion, probe: Probe) -> None:
    again, _ = evaluate(toy, probe, SETTINGS)
    for name in ("obedience", "probe", "vae", "retrieval", "frechet", "diversity", "leaking"):
        assert getattr(again, name) == getattr(evaluated[0], name)


def test_the_probes_own_accuracy_counts_what_is_there(probe: Probe) -> None:
    """A probe that always says the same is right as often as that is true, of the pictures that have the attribute."""
    with torch.no_grad():
        probe.heads.weight.zero_()
        probe.heads.bias.zero_()  # now the first value of each attribute wins, which is "none" for fur
    scores = probe_scores(probe, 100)
    first = {name: known[0] for name, known in label_values().items()}
    assert first["fur"] == "none"
    assert scores["fur"].right == 0
    assert 0 < scores["fur"].of < 100
    assert scores["style"].of == 100
    assert 0.2 < scores["style"].share < 0.7, "about half are flat"


def test_the_sheet_shows_the_held_out_prompts(evaluated: Evaluated) -> None:
    _, page = evaluated
    assert page.width >= 3 * 64
    assert page.height >= 2 * 64


def test_files_and_table_say_what_was_found(evaluated: Evaluated, tmp_path: Path) -> None:
    report, page = evaluated
    save(report, page, tmp_path / "deep" / "folder")
    found = json.loads((tmp_path / "deep" / "folder" / "report.json").read_text())
    subject = report.obedience[1].held_out.named["subject"]
    said = found["obedience"][1]["held_out"]["named"]["subject"]
    assert said == {"accuracy": round(subject.share, 4), "right": subject.right, "of": 6}
    assert found["settings"]["guidance_scales"] == [1.0, 5.0]
    assert Image.open(tmp_path / "deep" / "folder" / "pictures.png").size == page.size
    assert found["recommended_guidance_scale"] == report.recommended_guidance_scale
    assert found["frechet"]["held_out"]["ratio"] == report.frechet.held_out.ratio
    assert found["diversity"]["short"]["pictures"] == report.diversity.short.pictures
    assert found["leaking"]["pictures"]["leaked"]["right"] == report.leaking.pictures.leaked.right
    both = found["obedience"][0]["groups"]["subject, background, style"]
    assert both["seen"]["right"] == report.obedience[0].groups["subject, background, style"].seen.right
    assert found["obedience"][1]["gaps"]["subject"]["points"] == report.obedience[1].gaps["subject"].points
    assert found["obedience"][1]["gap"]["error"] > 0
    said = table(report)
    assert "guidance scale 5" in said
    assert re.search(rf"fur colour +{report.obedience[0].held_out.named['fur'].share:.1%}", said)
    assert re.search(rf"seen, 3 to 12 drawings +{report.frechet.seen.distance:.4f}", said)
    assert re.search(rf"short prompts +{report.diversity.short.pictures:.3f}", said)
    assert f"{report.vae.mean:.1f} dB a picture" in said
    assert not re.search(r" $", said, flags=re.MULTILINE)
    assert max(map(len, said.splitlines())) <= 100, "so that it fits a terminal"


def test_what_nobody_asked_about_is_null_in_json(evaluated: Evaluated) -> None:
    empty = Obedience(5.0, Verdict({}, {}), Verdict({"fur": Score(1, 1)}, {}))
    found = json.loads(replace(evaluated[0], obedience=(empty,)).to_json())["obedience"][0]
    assert found["promised"]["held_out"] == {"accuracy": None, "right": 0, "of": 0}
    assert found["promised"]["seen"]["accuracy"] == 1
    assert (found["gap"], found["gaps"]) == (None, {})


def test_a_model_without_a_vision_tower_says_so(toy_run: Path, probe: Probe) -> None:
    sd = load(toy_run / "model", device="cpu", dtype="float32")
    sd.image_encoder = None
    report, _ = evaluate(sd, probe, EvalSettings(4, 1, (1.0,), renders=1, probe_pictures=2))
    assert report.retrieval is None
    assert report.frechet.tower == "the bundled model's"
    assert "not measured: this model has no image_encoder" in table(report)
    assert "as the bundled model's CLIP sees it" in table(report)
    assert json.loads(report.to_json())["retrieval"] is None


@pytest.mark.parametrize("settings", [EvalSettings(prompts=3), EvalSettings(guidance_scales=())])
def test_an_evaluation_of_nothing_is_refused(toy: StableDiffusion, probe: Probe, settings: EvalSettings) -> None:
    with pytest.raises(EvaluationError, match="four prompts or more and a guidance scale"):
        evaluate(toy, probe, settings)


# the model card


@pytest.fixture
def model(toy_run: Path, tmp_path: Path) -> Path:
    """A folder that the card may be written into: links to the toy model's files."""
    copy = tmp_path / "model"
    for path in (toy_run / "model").rglob("*"):
        if path.is_file():
            place = copy / path.relative_to(toy_run / "model")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    return copy


def test_the_card_is_written_from_what_was_measured(evaluated: Evaluated, model: Path) -> None:
    report, _ = evaluated
    (run,) = read_history(model)
    write_history(model, [replace(run, hardware="a toaster", threads=3)])
    card = write_card(model, report.to_json()).read_text()
    assert (model / "README.md").read_text() == card
    assert f"| unet | {report.model.parameters['unet'] / 1e6:.2f} M |" in card
    recommended = f"{report.recommended_guidance_scale:g}"
    assert f"**{recommended}**, by this rule" in card
    assert f"seed=7, guidance_scale={recommended})" in card
    background = report.obedience[0].held_out.named["background"]
    assert re.search(rf"\| background \| {background.share:.1%} \({background.of}\) \|", card)
    group = report.obedience[1].groups["eyes, count, place"].held_out
    assert f"| eyes, count, place | {group.share:.1%} ({group.of}) |" in card.partition("guidance scale 5")[2]
    for name in PROMISED[:3]:
        points = " | ".join(f"{one.gaps[name].points:+.1f} ± {one.gaps[name].error:.1f}" for one in report.obedience)
        assert f"| {name} | {points} |" in card
    frechet = report.frechet.held_out
    assert f"| held-out | 3 | 12 | {frechet.distance:.4f} | {frechet.floor:.4f} | {frechet.ratio:.2f}× |" in card
    assert f"| a cat on the beach | {report.diversity.prompts['a cat on the beach'].pictures:.3f} |" in card
    leaks = report.leaking.pictures
    assert f"| **all** | {leaks.both.share:.1%} (10) | {leaks.leaked.share:.1%} ({leaks.leaked.of}) |" in card
    assert f"VAE: {report.vae.mean:.1f} dB" in card
    assert report.second_vae is not None
    assert f"for faces: {report.second_vae.mean:.1f} dB" in card
    assert "96 pictures (19 of 48×80 px, 77 of 64×64 px), 2 captions each" in card
    assert re.search(r"\| U-Net \| 12 \| 4 \| AdamW, 0.001 after 4 steps.*averaged with decay 0.9 \| \d+ min \|", card)
    assert "| the VAE's decoder, further | 12 |" in card
    assert "Run 1, from scratch, on a toaster (3 threads):" in card
    assert "Run 2" not in card
    assert "subject" in card.partition("## Limits")[2], "a model that draws noise does not draw subjects"
    assert card.startswith("---\nlicense: apache-2.0\n")


def test_a_card_tells_of_every_run(evaluated: Evaluated, toy_run: Path, tmp_path: Path) -> None:
    train_base(tmp_path / "on", recipe="toy", start=toy_run / "model", part="unet", device="cpu", steps=2)
    card = write_card(tmp_path / "on" / "model", evaluated[0].to_json()).read_text()
    first, _, second = card.partition("Run 2, going on from what earlier runs made")
    assert "| U-Net | 12 | 4 |" in first
    assert "| CLIP pair | 12 |" in first
    assert "| U-Net | 2 | 4 |" in second
    assert "CLIP pair | " not in second.partition("## Measured quality")[0]


def test_a_card_needs_a_model_and_its_history(evaluated: Evaluated, model: Path, tmp_path: Path) -> None:
    report = evaluated[0].to_json()
    with pytest.raises(EvaluationError, match="no checkpoint folder"):
        write_card(tmp_path, report)
    (model / "training.json").unlink()
    with pytest.raises(EvaluationError, match=r"has no training\.json: .* train it with garasu train base"):
        write_card(model, report)
    assert not (model / "README.md").exists()


# the command


def test_the_command_measures_and_writes(
    model: Path, probe: Probe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_probe(probe, tmp_path / "probe.safetensors")
    flags = ["--model", str(model), "--probe", str(tmp_path / "probe.safetensors"), "--device", "cpu", "--steps", "1"]
    flags += ["--prompts", "4", "--guidance-scale", "1", "--guidance-scale", "2", "--sampler", "euler"]
    with pytest.raises(SystemExit) as left:
        main(["eval", *flags, "-o", str(tmp_path / "report"), "--card"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "right of 4 held-out and 2 seen prompts, guidance scale 2" in said
    settings = json.loads((tmp_path / "report" / "report.json").read_text())["settings"]
    assert (settings["sampler"], settings["steps"], settings["guidance_scales"]) == ("euler", 1, [1.0, 2.0])
    assert "guidance scale 2" in (model / "README.md").read_text()


def test_the_command_refuses_in_a_sentence(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["eval", "--model", str(model), "--probe", "gone.safetensors", "--device", "cpu"])
    assert left.value.code == 2
    assert capsys.readouterr().err == (
        "garasu: There is no probe in gone.safetensors; leave --probe out for the one that comes along.\n"
    )
