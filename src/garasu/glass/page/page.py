"""One HTML file of a record, or of two side by side, that needs no network and no other file."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files

from garasu.glass.page.detail import MB, Decode, fitting
from garasu.glass.page.run import run_data
from garasu.glass.record.opening import Record
from garasu.model import StableDiffusion

LIMIT = 10.0  # MB
_SCRIPTS = ("data.js", "colours.js", "chart.js", "panel.js", "main.js")


def record_page(
    sd: StableDiffusion,
    record: Record,
    other: Record | None = None,
    *,
    other_sd: StableDiffusion | None = None,
    every: int = 1,
    limit: float = LIMIT,
    decode: Decode = "auto",
    say: Callable[[str], None] | None = None,
) -> str:
    """The page of a record, or of two to compare.

    ``other_sd`` is the second one's model, if it is another. ``every`` so many steps are shown. A page that would take
    more than ``limit`` MB shows means of attention layers only, then coarser maps, then fewer steps; ``say`` is told
    beforehand how much it takes and what it shows. ``decode``: of pictures up to 256×256 each step ("auto"), of all
    ("always"), or only what is finished ("finished"); the others are linear previews.

    Raises:
        PageError: nothing fits into ``limit``, or a number is out of range.
    """
    records = [record] if other is None else [record, other]
    models = (sd, other_sd or sd)
    room = limit
    while True:
        detail, size = fitting(records, every, room, decode)
        if say is not None:
            say(f"about {size:.2g} MB: {detail}")
        runs = [run_data(model, one, detail, decode) for model, one in zip(models, records, strict=False)]
        text = assembled({"detail": str(detail), "runs": runs})
        if len(text.encode()) <= limit * MB:
            return text
        room = min(room, size) * 0.999  # pictures took more than pictures do: show less


def assembled(data: object) -> str:
    """The page around the data. Texts reach it as JSON and are set as text, so that no prompt can be markup."""
    style, script = _asset("page.css"), "".join(map(_asset, _SCRIPTS))
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"
    parts = {
        "POLICY": f"{policy}; base-uri 'none'; form-action 'none'",
        "STYLE": style,
        "SCRIPT": script,
        "DATA": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = _asset("page.html")
    for name, part in parts.items():  # the data last: it may hold anything
        before, after = text.split(f"{{{{{name}}}}}", 1)
        text = f"{before}{part}{after}"
    return text


def _asset(name: str) -> str:
    return files("garasu.glass.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the content security policy lets run: exactly this."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
