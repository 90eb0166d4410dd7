"""What garasu answers to a command line that cannot be, the same way for every command."""

from collections.abc import Iterator

import pytest
from cyclopts import App
from tests.app.running import refusal, run

from garasu.app.cli import app


def commands(group: App, *names: str) -> Iterator[tuple[str, ...]]:
    """Every command that can be run, by the words that call it."""
    found = [name for name in group if not name.startswith("-")]
    if not found:
        yield names
    for name in found:
        yield from commands(group[name], *names, name)


EVERY = list(commands(app))
NEED_NOTHING = [("eval",), ("version",)]


def test_all_commands_are_looked_at():
    assert len(EVERY) > 40
    assert {("txt2img",), ("blend-grid",), ("sweep", "upscale"), ("glass", "page"), ("train", "probe")} < set(EVERY)


@pytest.mark.parametrize("words", [one for one in EVERY if one not in NEED_NOTHING], ids=" ".join)
def test_a_command_that_lacks_something_says_how_it_is_called(words, tmp_path):
    sentence = refusal(tmp_path, *words)
    what, _, fix = sentence.partition(": ")
    by_itself = fix.startswith(("a cosine", "a checkpoint", "give two or more"))  # one of two; as many as you like
    assert by_itself or (what.endswith(" is missing") and fix.startswith(f"say garasu {' '.join(words)} "))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_unknown_flag_is_named(words, tmp_path):
    for flag in ("--colour", "red"), ("--colour=red",):
        sentence = refusal(tmp_path, *words, *flag)
        assert sentence.startswith("there is no flag --colour")
        assert sentence.endswith(f": garasu {' '.join(words)} --help lists them")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "blend-grid --rows cat --columns +dog -o a.png",
            "--from is missing: say garasu blend-grid --rows VALUE --columns VALUE --output PATH --from NUMBER "
            "--to NUMBER",
        ),
        ("img2img cat.png", "PROMPT is missing: say garasu img2img IMAGE PROMPT"),
        ("blend cat dog", "--output is missing: say garasu blend WAYPOINTS… --output PATH"),
        ("glass page", "RUN is missing: say garasu glass page RUN [OTHER]"),
        ("txt2img cat --steps", "--steps is given without a value: say --steps NUMBER"),
        ("train base -o", "-o is given without a value: say -o PATH"),
        ("txt2img cat --steps 3 --steps 4", "--steps is given twice: give it once"),
        (
            "txt2img a cat",
            "'cat' is one word too many: say garasu txt2img PROMPT, with quotes around a prompt of several words",
        ),
        ("glass page a b c", "'c' is one word too many: say garasu glass page RUN [OTHER]"),
        (
            "img2img --image cat.png dog",
            "'dog' stands alone behind a flag that takes its place: say garasu img2img IMAGE PROMPT",
        ),
        (
            "blend cat dog --outptu a.gif",
            "there is no flag --outptu (did you mean --output or --loop?): garasu blend --help lists them",
        ),
        ("txt2img cat -x", "there is no flag -x: garasu txt2img --help lists them"),
        ("--colour", "there is no flag --colour: garasu --help lists them"),
        ("text2img cat", "there is no command text2img (did you mean txt2img or img2img?): garasu --help lists them"),
        ("sweep dance cat", "there is no command dance: garasu sweep --help lists them"),
        ("txt2img cat --steps abc", "steps must be a whole number, not 'abc'"),
        ("eval --steps abc", "--steps must be a whole number, not 'abc'"),
        ("eval --guidance-scale 7.5 --guidance-scale abc", "--guidance-scale must be a number, not 'abc'"),
        ("rarity abc", "COSINE must be a number, not 'abc'"),
        ("txt2img cat --grid=maybe", "--grid must be true or false, not 'maybe'"),
        (
            "glass latent run --quantity esp",
            "--quantity must be one of 'latent', 'x0' or 'eps', not 'esp' (did you mean eps?)",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_fix(words, sentence, tmp_path):
    assert refusal(tmp_path, *words.split()) == sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["txt2img cat", "eval"])
def test_a_choice_out_of_a_list_names_the_list(command, tmp_path):
    sentence = refusal(tmp_path, *command.split(), "--sampler=eulr")
    assert sentence.lstrip("-").startswith("sampler must be one of 'ddpm', 'ddim', ")
    assert sentence.endswith(" or 'lcm', not 'eulr' (did you mean euler or euler_a?)")


def test_a_group_of_commands_lists_them(tmp_path):
    assert "Where each word looks." in run(tmp_path, "glass").stdout
