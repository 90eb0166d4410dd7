"""Films: frames written as H.264 (.mp4), VP9 (.webm) or GIF, with a word about how they were made.

The first two need PyAV (the extra "video"), which brings FFmpeg's libraries along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from garasu.images.reading import open_picture
from garasu.images.saving import check_writable, whole_file

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_BT709 = 1  # as H.273 numbers primaries, transfer and matrix; players guess when a film does not say
_LIMITED = 1  # FFmpeg's number for levels from 16 to 235
_GIF = ".gif"
_GIF_FASTEST = 50  # browsers slow down what asks for less than 2 hundredths of a second a frame

_SMALL = 128  # pixels, each side


class FilmError(ValueError):
    """A film that cannot be written or read, with what can."""


@dataclass(frozen=True)
class _Codec:
    name: str
    options: Mapping[str, str]  # of the encoder
    container: Mapping[str, str]


_CODECS: Mapping[str, _Codec] = MappingProxyType(
    {
        ".mp4": _Codec("libx264", {"crf": "16"}, {"movflags": "+faststart"}),  # plays before it is all there
        ".webm": _Codec("libvpx-vp9", {"crf": "20", "b:v": "0", "cpu-used": "2", "row-mt": "1"}, {}),
    }
)
ENDINGS = (*_CODECS, _GIF)


def write_film(path: str | Path, frames: Iterable[Image.Image], *, fps: float, comment: str = "") -> None:
    """Write frames, all of one size, as a film; the file appears whole or not at all.

    H.264 and VP9 are 4:2:0 in BT.709, as browsers and QuickTime play it: an odd width or height gets its last column or
    row twice. A GIF has 256 colours of its own in each frame, no dithering (which would flicker), and runs in a circle;
    equal frames in a row are stored once, for as long as all of them.

    Args:
        path: ends in one of `ENDINGS`.
        frames: taken one by one, so that they need not all be in memory.
        fps: frames a second; a GIF rounds the times at which frames change to hundredths of a second.
        comment: any text, for `read_comment`.

    Raises:
        FilmError: no frames, frames of several sizes, or as `check_film`, which also raises OSError and ImportError.
    """
    check_film(path, fps)
    steady = _steady(frames)
    with whole_file(path) as beside:
        if beside.suffix.lower() == _GIF:
            _write_gif(beside, steady, fps, comment)
        else:
            _encode(beside, steady, fps, comment)


def check_film(path: str | Path, fps: float) -> None:
    """Ask before long work whether a film can be written there.

    Raises:
        FilmError: an ending that is not one of `ENDINGS`, or more or fewer frames a second than play well.
        OSError: a place that cannot be written to.
        ImportError: PyAV is needed and not installed.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise FilmError(f"{path}: a film's name ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    most = _GIF_FASTEST if ending == _GIF else 240
    if not 0.1 <= fps <= most:
        raise FilmError(f"fps must lie between 0.1 and {most} in a {ending} film, not {fps:g}")
    check_writable(path)
    if ending != _GIF:
        import av  # noqa: F401  # asked for now, not after the work


def read_comment(path: str | Path) -> str:
    """The text that a film carries; "" if it carries none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no film that can be read (FilmError), or no GIF (PictureError).
        ImportError: PyAV is needed and not installed.
    """
    if Path(path).suffix.lower() == _GIF:
        comment = open_picture(path).info.get("comment", b"")
        return bytes(comment).decode("utf-8", "replace")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no film {path}")
    import av

    try:
        with av.open(str(path)) as film:
            texts = {name.lower(): text for name, text in film.metadata.items()}  # WebM has its names in capitals
    except av.FFmpegError as problem:
        raise FilmError(f"{path} is not a film that can be read ({problem.strerror})") from problem
    return texts.get("comment", "")


def _steady(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
    """The frames in RGB, after a look that there is one and that all have its size."""
    size = None
    for index, frame in enumerate(frames):
        size = size or frame.size
        if frame.size != size:
            raise FilmError(f"frame {index} is {frame.width}x{frame.height}, the first is {size[0]}x{size[1]}")
        yield frame.convert("RGB")
    if size is None:
        raise FilmError("a film needs at least one frame")


def _write_gif(path: Path, frames: Iterator[Image.Image], fps: float, comment: str) -> None:
    palettes = _timed((_reduced(frame) for frame in frames), fps)
    first = next(palettes)
    first.save(path, format="GIF", save_all=True, append_images=palettes, loop=0, comment=comment.encode())


def _reduced(frame: Image.Image) -> Image.Image:
    """In 256 colours that leave none far off, so that small bright things keep theirs: yellow eyes in a black face.

    Of a large frame they are found in a smaller copy: 0.1 s instead of 4.6 s at 512×512.
    """
    found = frame
    if frame.width * frame.height > _SMALL**2:
        found = frame.copy()
        found.thumbnail((_SMALL, _SMALL), Image.Resampling.NEAREST)
    palette = found.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    return palette if found is frame else frame.quantize(palette=palette, dither=Image.Dither.NONE)


def _timed(frames: Iterator[Image.Image], fps: float) -> Iterator[Image.Image]:
    """Say how long each frame stands, in milliseconds: to the next multiple of 10 of where it should end."""
    for index, frame in enumerate(frames):
        begin, end = (round(100 * at / fps) * 10 for at in (index, index + 1))
        frame.info["duration"] = end - begin
        yield frame


def _encode(path: Path, frames: Iterator[Image.Image], fps: float, comment: str) -> None:
    import av

    codec, first = _CODECS[path.suffix.lower()], next(frames)
    with av.open(str(path), "w", options=dict(codec.container)) as film:
        film.metadata["comment"] = comment
        stream = film.add_stream(codec.name, rate=Fraction(fps).limit_denominator(1001), options=dict(codec.options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = (side + side % 2 for side in first.size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        for frame in chain([first], frames):
            _put(film, stream, frame)
        film.mux(stream.encode())  # what the encoder still holds


def _put(film: OutputContainer, stream: VideoStream, frame: Image.Image) -> None:
    import av

    odd = ((0, frame.height % 2), (0, frame.width % 2), (0, 0))
    pixels = np.pad(np.asarray(frame), odd, mode="edge")
    whole = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    film.mux(stream.encode(whole.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")))
