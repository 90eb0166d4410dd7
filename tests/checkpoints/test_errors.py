"""Error messages stay one readable sentence, however many names they have to give."""

from garasu.checkpoints.errors import CheckpointError, listed


def test_names_are_sorted_and_the_rest_is_counted() -> None:
    assert listed(["b", "a"]) == "a, b"
    assert listed([f"{i}" for i in range(9)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 1 more"
    assert listed([]) == ""


def test_callers_can_catch_it_as_a_mistake_of_the_user() -> None:
    assert issubclass(CheckpointError, ValueError)
