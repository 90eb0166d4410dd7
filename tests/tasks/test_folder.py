import pytest

from garasu.tasks.folder import Folder, FolderTakenError, grouped, numbered
from garasu.tasks.txt2img import Txt2Img


def test_a_folder_remembers_what_it_is_for(tmp_path):
    folder = Folder(tmp_path / "new" / "frames", "journey")
    assert folder.read() is None
    folder.begin({"words": ("猫", "cat")})
    folder.begin({"words": ("猫", "cat")})
    assert folder.read() == {"words": ["猫", "cat"]}
    with pytest.raises(FolderTakenError, match="frames holds another journey: remove it, or name another"):
        folder.check({"words": ("猫",)})


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(FolderTakenError, match="no empty folder"):
        Folder(tmp_path, "journey").check({})
    with pytest.raises(FolderTakenError, match="no empty folder"):
        Folder(tmp_path / "letter.txt", "journey").check({})
    assert [one.name for one in tmp_path.iterdir()] == ["letter.txt"]


def test_numbers_sort_as_their_names_do():
    assert [numbered(index, 9) for index in (1, 9)] == ["1", "9"]
    assert [numbered(index, 10) for index in (1, 10)] == ["01", "10"]


def test_what_can_be_made_together_stands_together():
    one = Txt2Img(prompt="cat", seed=1)
    recipes = [one, one.but(steps=2), one.but(prompt="dog"), one.but(steps=2, seed=7)]
    assert grouped(range(4), lambda index: recipes[index]) == [[0, 2], [1, 3]]
