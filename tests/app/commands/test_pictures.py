"""What a picture is made again on."""

from pathlib import Path

from garasu.app.commands.pictures import as_made
from garasu.app.model_flags import ModelFlags
from garasu.tasks.picture import MadeWith

MADE = MadeWith(
    model="bundled", model_hash="", vae="bundled:faces", device="cpu", dtype="bfloat16", garasu="0.1.0", torch="2"
)


def test_what_the_picture_says_is_taken_and_what_the_command_says_comes_first():
    given = ModelFlags(engine="plain", compile=True, low_memory=True, device="cuda")
    found = as_made(given, MADE, Path("cat.png"))
    assert (found.model, found.vae, found.dtype) == (None, "bundled:faces", "bfloat16")
    assert (found.engine, found.compile, found.low_memory, found.device) == ("plain", True, True, "cuda")
    other = as_made(ModelFlags(model="mine", vae="bundled", dtype="float32"), MADE, Path("cat.png"))
    assert (other.model, other.vae, other.dtype) == ("mine", "bundled", "float32")
