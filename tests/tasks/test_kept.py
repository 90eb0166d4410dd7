"""Pictures kept in a folder until the whole is made of them."""

import numpy as np
import pytest

from garasu.diffusion.steps import Step
from garasu.images.reading import read_picture
from garasu.tasks.folder import Folder, FolderTakenError
from garasu.tasks.kept import Kept, by_number, together
from garasu.tasks.txt2img import Txt2Img, txt2img

CAT = Txt2Img(prompt="black cat", seed=1, steps=1, width=64, height=64)


def kept(tmp_path, *recipes: Txt2Img) -> Kept:
    return Kept(Folder(tmp_path / "parts", "whole"), by_number(recipes), {"of": "parts"})


def test_pictures_of_any_kind_come_with_their_keys(tiny):
    recipes = {"a": CAT, "b": CAT.but(steps=2), "c": CAT.but(prompt="dog")}
    made = list(together(tiny, recipes))
    assert [one[0] for one in made if isinstance(one, tuple)] == ["a", "c", "b"], "a and c are made together"
    assert [len(one.latent) for one in made if isinstance(one, Step)] == [2, 2, 1, 1, 1]
    for key, picture in (one for one in made if isinstance(one, tuple)):
        alone = txt2img(tiny, recipes[key])
        assert np.abs(np.asarray(picture.image).astype(int) - np.asarray(alone.image)).max() <= 1


def test_what_is_there_is_not_made_again(tiny, tmp_path):
    parts = kept(tmp_path, CAT, CAT.but(prompt="dog"))
    assert parts.missing() == ["1", "2"]
    assert not (tmp_path / "parts").exists(), "nothing is written before there is something to keep"
    assert [one for one in parts.run(tiny) if isinstance(one, str)] == ["1", "2"]
    before = read_picture(parts.files["1"]).tobytes()
    parts.files["2"].unlink()
    assert [one for one in parts.run(tiny) if isinstance(one, str)] == ["2"]
    assert read_picture(parts.files["1"]).tobytes() == before
    assert parts.made_with()["model"] == "tiny"
    with pytest.raises(FolderTakenError, match="parts holds another whole"):
        Kept(parts.folder, parts.recipes, {"of": "others"}).check()


def test_clearing_removes_what_was_written_and_what_a_kill_left(tiny, tmp_path):
    parts = kept(tmp_path, CAT)
    assert "1" in parts.run(tiny)
    (tmp_path / "parts" / ".1-killed.png").touch()
    parts.clear()
    assert list(tmp_path.iterdir()) == []
