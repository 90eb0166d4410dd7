"""Builds the tour: runs every page from top to bottom and keeps the pictures that its commands made (`make tour`).

A page shows `pictures/NAME.webp` where its commands write NAME.png, and nothing else. Each picture carries a stamp of
the commands and the printed numbers that stood on its page when it was made, so that a page which was changed and not
built again is found out.
"""

from __future__ import annotations

import re
import sys
import time
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from PIL import Image

from docs.follow import BLOCK, follow, within

TOUR = Path(__file__).parent
PICTURES = TOUR / "pictures"
_SHOWN = re.compile(r"!\[[^\]]*\]\(pictures/(\S+?)\.webp\)")
_DESCRIPTION = 0x010E  # the EXIF tag of a picture's description


def pages() -> list[Path]:
    """The pages in the order of the index."""
    linked = re.findall(r"\]\((\w[\w-]*\.md)\)", (TOUR / "README.md").read_text(encoding="utf-8"))
    return [TOUR / name for name in dict.fromkeys(linked)]


def shown(page: Path) -> list[str]:
    """The names of its pictures."""
    return _SHOWN.findall(page.read_text(encoding="utf-8"))


def stamp(page: Path) -> str:
    """What was run and what it printed, in sixteen digits."""
    blocks = (block[0] for block in BLOCK.finditer(page.read_text(encoding="utf-8")))
    return sha256("\n".join(blocks).encode()).hexdigest()[:16]


def stamp_of(picture: Path) -> str | None:
    """The stamp that a picture carries."""
    with Image.open(picture) as opened:
        return opened.getexif().get(_DESCRIPTION)


def build(page: Path, folder: Path) -> None:
    """Run a page in a folder and leave its pictures there; an AssertionError says what on it is not so."""
    exif = Image.Exif()
    exif[_DESCRIPTION] = stamp(page)
    follow(page, folder, within)
    for name in shown(page):
        made = folder / f"{name}.png"
        assert made.exists(), f"{page.name} shows {name}, which its commands do not write"
        with Image.open(made) as picture:
            picture.convert("RGB").save(folder / f"{name}.webp", quality=75, method=6, exif=exif)


def main() -> None:
    """Build the pages named, or all, and remove pictures that no page shows."""
    named = [TOUR / Path(name).with_suffix(".md").name for name in sys.argv[1:]]
    PICTURES.mkdir(exist_ok=True)
    for page in named or pages():
        start = time.monotonic()
        with TemporaryDirectory() as folder:
            build(page, Path(folder))
            for name in shown(page):
                copyfile(Path(folder) / f"{name}.webp", PICTURES / f"{name}.webp")
        print(f"{page.name}: {time.monotonic() - start:.0f} s", flush=True)
    if not named:
        wanted = {f"{name}.webp" for page in pages() for name in shown(page)}
        for picture in set(PICTURES.iterdir()) - {PICTURES / name for name in wanted}:
            picture.unlink()


if __name__ == "__main__":
    main()
