import struct

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from garasu.images.metadata import Metadata, MetadataError, read_metadata, save_png
from garasu.images.reading import PictureError, read_picture

RECIPE = {"recipe": {"prompt": "猫 café\n2", "steps": 3}, "list": [1, 2.5, None]}


def chunks(path) -> list[tuple[bytes, bytes]]:
    data, at, found = path.read_bytes(), 8, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


@pytest.mark.parametrize("parameters", ["cat\nSteps: 1", "猫\nSteps: 1", None])
@pytest.mark.parametrize("ours", [RECIPE, None])
def test_both_texts_come_back(tmp_path, ours, parameters):
    path = tmp_path / "cat.png"
    save_png(Image.new("RGB", (8, 8), "red"), path, Metadata(ours, parameters))
    assert read_metadata(path) == Metadata(ours, parameters)
    assert read_picture(path).getpixel((3, 3)) == (255, 0, 0)


def test_the_chunks_are_those_that_other_tools_look_for(tmp_path):
    path = tmp_path / "cat.png"
    save_png(Image.new("RGB", (8, 8)), path, Metadata(RECIPE, "cat\nSteps: 1"))
    kinds = {(kind, body.split(b"\0")[0]) for kind, body in chunks(path)}
    assert (b"iTXt", b"garasu") in kinds
    assert (b"tEXt", b"parameters") in kinds


def test_pixels_are_kept_exactly(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    save_png(Image.fromarray(pixels), tmp_path / "cat.png", Metadata())
    assert np.array_equal(np.asarray(read_picture(tmp_path / "cat.png")), pixels)


def test_other_formats_would_lose_the_recipe(tmp_path):
    with pytest.raises(ValueError, match=r"name it cat\.png"):
        save_png(Image.new("RGB", (8, 8)), tmp_path / "cat.jpg", Metadata())


def test_a_missing_file_and_a_file_that_is_no_picture_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no picture file .*cat\.png"):
        read_metadata(tmp_path / "cat.png")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(PictureError, match=r"text\.png is not a picture"):
        read_metadata(tmp_path / "text.png")
    whole = tmp_path / "whole.png"
    save_png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)), whole, Metadata())
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:4000])
    with pytest.raises(PictureError, match=r"cut\.png is not a picture"):
        read_picture(tmp_path / "cut.png")


@pytest.mark.parametrize("text", ["{not json", "[1, 2]"])
def test_a_broken_recipe_chunk_is_named(tmp_path, text):
    info = PngInfo()
    info.add_itxt("garasu", text)
    Image.new("RGB", (8, 8)).save(tmp_path / "cat.png", pnginfo=info)
    with pytest.raises(MetadataError, match="its garasu chunk is not"):
        read_metadata(tmp_path / "cat.png")
