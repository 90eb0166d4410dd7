"""A1111's syntax as a whole, against a second reading of its rules."""

from tests.prompts.syntax.a1111_by_the_letter import composed
from tests.prompts.syntax.bracket_floods import SIGNS, floods

from garasu.prompts.syntax import parse

STEPS = 10


def test_five_thousand_floods_are_read_as_the_rules_say() -> None:
    changing = several = 0
    schedules = [*SIGNS["a1111"], *("[", "]", "[", "]", "[", ":0.3]", ":0.7]", ":2]", "|", "|")]
    for text in (*floods("a1111", 2500, seed=3), *floods("a1111", 2500, seed=7, signs=schedules)):
        prompt = parse(text)
        changing += len(prompt.changes(STEPS)) > 1
        several += len(prompt.parts) > 1
        for step in (1, 2, 3, 4, 7, 10):
            said = [
                (part.weight, [[(one.text, one.weight) for one in section] for section in part.sections])
                for part in prompt.at(step, STEPS)
            ]
            assert said == composed(text, step, STEPS), (text, step)
    assert changing > 300  # the floods are not idle
    assert several > 1000


def test_changes_are_where_what_is_said_differs() -> None:
    for text in floods("a1111", 500, seed=8, signs=[*SIGNS["a1111"], "[", "]", "[", ":0.3]", ":2]", "|"]):
        prompt = parse(text)
        said = [prompt.at(step, STEPS) for step in range(1, STEPS + 1)]
        stops = [step for step in range(1, STEPS) if said[step - 1] != said[step]]
        assert prompt.changes(STEPS) == (*stops, STEPS), text


def test_parts_have_weights() -> None:
    prompt = parse("a cat :1.2 AND a dog AND sky:0.5")
    assert [(said.weight, said.sections[0][0].text) for said in prompt.at(1, 1)] == [
        (1.2, "a cat"),
        (1.0, "a dog"),
        (0.5, "sky"),
    ]
    assert prompt.join == "compose"
    assert str(prompt) == "a cat :1.2 AND a dog AND sky :0.5"


def test_and_is_a_word_of_its_own_in_capitals() -> None:
    assert len(parse("SAND and LAND, ANDROID").parts) == 1
    assert len(parse("a,AND.b").parts) == 2
    assert len(parse("[a AND b:c:5]").parts) == 2  # it comes before the schedule
    assert len(parse("AND").parts) == 2


def test_a_negative_prompt_knows_neither_parts_nor_their_weights() -> None:
    prompt = parse("blurry AND (dark) 16:9", composes=False)
    assert [fragment.text for fragment in prompt.at(1, 1)[0].sections[0]] == ["blurry AND ", "dark", " 16:9"]
    assert parse(str(prompt)) == prompt
    assert parse("16:9").parts[0].weight == 9  # as A1111 has it
    changing = parse("[a|b] AND c:0.5", composes=False)
    assert len(changing.parts) == 1
    assert parse(str(changing)) == parse(str(changing), composes=False) == changing


def test_a_schedule_may_hold_a_weight() -> None:
    prompt = parse("(cat:[1.3:0.8:5])")
    assert [prompt.at(step, 10)[0].sections[0][0].weight for step in (5, 6)] == [1.3, 0.8]
