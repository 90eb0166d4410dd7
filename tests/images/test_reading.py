import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from garasu.images.modes import PictureWarning
from garasu.images.reading import MOST_PIXELS, PictureError, as_input, open_picture, picture_from, read_input, upright

WIDTH, HEIGHT = 16, 12


def noise(channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


RGB, ALPHA = noise(3), noise(1, seed=1)
GRAY = RGB[:, :, :1]
WIDE = np.random.default_rng(2).integers(0, 65536, (HEIGHT, WIDTH, 1)).astype(np.uint16)
BITS = GRAY > 127
INDEX = GRAY // 64  # 0..3
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 99, 199]])
FIRST_AWAY = np.where(INDEX == 1, 0, 255)
KEYED = np.where(np.equal(RGB, RGB[0, 0]).all(axis=2, keepdims=True), 0, 255)


def picture(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def palette() -> Image.Image:
    indexed = Image.frombytes("P", (WIDTH, HEIGHT), INDEX.tobytes())
    indexed.putpalette(COLOURS.flatten().tolist())
    return indexed


def inks() -> Image.Image:
    return Image.merge("CMYK", [*picture(255 - RGB).split(), Image.new("L", (WIDTH, HEIGHT))])


RGBA = picture(np.dstack([RGB, ALPHA]))
LOSSLESS = [  # name, picture, options of saving, colours, alpha
    ("1.png", picture(BITS), {}, BITS * 255, None),
    ("1.tif", picture(BITS), {}, BITS * 255, None),
    ("L.png", picture(GRAY), {}, GRAY, None),
    ("L.bmp", picture(GRAY), {}, GRAY, None),
    ("LA.png", Image.merge("LA", [picture(GRAY), picture(ALPHA)]), {}, GRAY, ALPHA),
    ("L+tRNS.png", picture(INDEX), {"transparency": 1}, INDEX, FIRST_AWAY),
    ("P.png", palette(), {}, COLOURS[INDEX[..., 0]], None),
    ("P.gif", palette(), {}, COLOURS[INDEX[..., 0]], None),
    ("P.bmp", palette(), {}, COLOURS[INDEX[..., 0]], None),
    ("P+tRNS.png", palette(), {"transparency": 1}, COLOURS[INDEX[..., 0]], FIRST_AWAY),
    ("P+bytes.png", palette(), {"transparency": b"\xff\0\xff\xff"}, COLOURS[INDEX[..., 0]], FIRST_AWAY),
    ("P+tRNS.gif", palette(), {"transparency": 1}, COLOURS[INDEX[..., 0]], FIRST_AWAY),
    ("RGB.png", picture(RGB), {}, RGB, None),
    ("RGB.bmp", picture(RGB), {}, RGB, None),
    ("RGB.tif", picture(RGB), {"compression": "tiff_lzw"}, RGB, None),
    ("RGB.webp", picture(RGB), {"lossless": True}, RGB, None),
    ("RGB+tRNS.png", picture(RGB), {"transparency": tuple(RGB[0, 0].tolist())}, RGB, KEYED),
    ("RGBA.png", RGBA, {}, RGB, ALPHA),
    ("RGBA.tif", RGBA, {}, RGB, ALPHA),
    ("RGBA.webp", RGBA, {"lossless": True, "exact": True}, RGB, ALPHA),
    ("I;16.png", picture(WIDE), {}, np.rint(WIDE / 257), None),
    ("I;16.tif", picture(WIDE), {}, np.rint(WIDE / 257), None),
    ("I.ppm", picture(WIDE), {}, np.rint(WIDE / 257), None),  # 16 bits, which Pillow reads as mode "I"
    ("F.tif", picture((GRAY / 255).astype(np.float32)), {}, GRAY, None),
    ("CMYK.tif", inks(), {}, RGB, None),
]


@pytest.mark.parametrize("row", LOSSLESS, ids=[row[0] for row in LOSSLESS])
def test_every_mode_and_lossless_format(tmp_path, row):
    name, saved, options, colours, alpha = row
    saved.save(tmp_path / name, **options)
    found = read_input(tmp_path / name)
    assert np.array_equal(pixels(found.original)[..., :3], colours + np.zeros((1, 1, 3)))
    assert (found.image.mode, found.original.mode) == ("RGB", "RGB" if alpha is None else "RGBA")
    if alpha is None:
        assert found.alpha is None
        assert found.image.tobytes() == found.original.tobytes()
    else:
        share = alpha / 255
        assert np.array_equal(pixels(found.alpha), alpha[..., 0])
        assert np.abs(pixels(found.image) - (colours * share + 255 * (1 - share))).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_of_every_mode(tmp_path, mode):
    """CMYK JPEGs hold their inks inverted, as Adobe began it; taken as they stand, red would be cyan."""
    colour = {"L": 90, "RGB": (250, 90, 30), "CMYK": (5, 165, 225, 0)}[mode]
    Image.new(mode, (32, 32), colour).save(tmp_path / "a.jpg", quality=100)
    seen = read_input(tmp_path / "a.jpg").image.getpixel((16, 16))
    assert np.abs(np.subtract(seen, (90, 90, 90) if mode == "L" else (250, 90, 30))).max() <= 3


def oriented(orientation: int) -> Image.Image:
    """What a camera stores so that `F`, turned as the EXIF tag says, appears: the tag's table read backwards."""
    back = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.ROTATE_270, Image.Transpose.FLIP_LEFT_RIGHT],
        6: [Image.Transpose.ROTATE_90],  # the camera stood on its right side: turn it a quarter clockwise
        7: [Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = letter()
    for step in back.get(orientation, []):
        stored = stored.transpose(step)
    return stored


def letter() -> Image.Image:
    """An F in blocks of 16 pixels, which no turn or mirror leaves as it is."""
    rows = ["####", "#...", "###.", "#...", "#..."]
    block = np.kron([[mark == "#" for mark in row] for row in rows], np.ones((16, 16)))
    return Image.fromarray((block * 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(tmp_path, orientation, suffix):
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    oriented(orientation).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    image = read_input(path).image
    assert image.size == (64, 80)
    assert np.abs(pixels(image) - pixels(letter())).max() <= (32 if suffix == "jpg" else 0)


def test_damaged_exif_is_left_out_with_a_warning(monkeypatch):
    def damaged(_: Image.Image) -> Image.Image:
        raise struct.error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr("garasu.images.reading.ImageOps.exif_transpose", damaged)
    with pytest.warns(PictureWarning, match=r"EXIF cannot be read \(unpack"):
        assert upright(letter()).size == (64, 80)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert Image.open(tmp_path / f"a.{suffix}").n_frames == 3
    assert read_input(tmp_path / f"a.{suffix}").image.getpixel((8, 8)) == (255, 0, 0)


def test_transparent_pixels_show_the_background():
    clear = Image.new("RGBA", (4, 4), (1, 2, 3, 0))
    assert as_input(clear).image.getpixel((0, 0)) == (255, 255, 255)
    assert as_input(clear, background="#102030").image.getpixel((0, 0)) == (16, 32, 48)
    assert as_input(clear).original.getpixel((0, 0)) == (1, 2, 3, 0)


def test_reading_from_memory_is_reading_from_a_file(tmp_path):
    RGBA.save(tmp_path / "a.png")
    assert picture_from((tmp_path / "a.png").read_bytes()).tobytes() == open_picture(tmp_path / "a.png").tobytes()
    with pytest.raises(PictureError, match=r"^the upload is not a picture"):
        picture_from(b"nothing", "the upload")


def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path):
    whole = io.BytesIO()
    picture(RGB).resize((200, 200)).save(whole, "PNG")
    bad = {
        "empty.png": b"",
        "text.jpg": b"not a picture",
        "cut.png": whole.getvalue()[:3000],
        "damaged.png": whole.getvalue()[:40] + b"\0\0\0\0" + whole.getvalue()[44:],
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(
            PictureError, match=rf"{name} is not a picture that can be read \(.+\): save it again"
        ) as seen:
            read_input(tmp_path / name)
        assert "\n" not in str(seen.value)
        assert "object at" not in str(seen.value)
    with pytest.raises(FileNotFoundError, match=r"there is no picture file .*none"):
        read_input(tmp_path / "none.png")
    with pytest.raises(FileNotFoundError, match="there is no picture file"):
        read_input(tmp_path)


def test_a_drawing_that_another_program_would_have_to_run_is_refused():
    with pytest.raises(PictureError, match=r"is a drawing \(EPS\).*save it as PNG"):
        picture_from(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n%%EOF\n")


@pytest.mark.parametrize("side", [int(MOST_PIXELS**0.5) + 1, 60_000])  # above our limit, above Pillow's
def test_a_gigantic_picture_is_refused_before_it_is_decoded(recwarn, side):
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    with pytest.raises(PictureError, match="bomb has more than 134 million pixels: make it smaller first"):
        picture_from(b"\x89PNG\r\n\x1a\n" + body, "bomb")
    assert list(recwarn) == []  # one sentence is enough


def test_damaged_files_are_refused_or_read_but_never_crash(recwarn):
    rng = np.random.default_rng(0)
    for number in range(300):
        kind = ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"][number % 6]
        file = io.BytesIO()
        picture(RGB).save(file, kind)
        data = bytearray(file.getvalue())
        for _ in range(3):
            data[rng.integers(len(data))] = rng.integers(256)
        try:
            assert as_input(picture_from(bytes(data[: rng.integers(1, len(data) + 1)]))).image.mode == "RGB"
        except PictureError as problem:
            assert "\n" not in str(problem)
