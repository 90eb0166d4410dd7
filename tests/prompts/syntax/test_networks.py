"""Networks are taken out of the text."""

import pytest

from garasu.prompts.prompt import Network
from garasu.prompts.syntax import parse
from garasu.prompts.syntax.networks import take_networks, write_network


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("<lora:ink>", Network("lora", "ink")),
        ("<lora:ink:0.8>", Network("lora", "ink", ("0.8",))),
        ("<lora:ink:0.8:0.5>", Network("lora", "ink", ("0.8", "0.5"))),
        (
            "<lora:ink:te=0.8:unet=0.5:dyn=4>",
            Network("lora", "ink", (), (("te", "0.8"), ("unet", "0.5"), ("dyn", "4"))),
        ),
        ("<hypernet:old one:1>", Network("hypernet", "old one", ("1",))),
    ],
)
def test_arguments_by_position_and_by_name(text: str, network: Network) -> None:
    assert take_networks(f"a {text}cat") == ("a cat", (network,))
    assert write_network(network) == text


def test_they_leave_the_text_wherever_they_stand() -> None:
    prompt = parse("a [<lora:x:1>b:c:5] AND<lora:y:2> d:0.5<hypernet:z:1>")
    assert [network.name for network in prompt.networks] == ["x", "y", "z"]
    assert str(prompt) == "a [b:c:5] AND d :0.5 <lora:x:1> <lora:y:2> <hypernet:z:1>"


@pytest.mark.parametrize("text", ["<lora:", "<lora:>", "<lyco:a:1>", "<3", "a <b:c> d", "< lora:x:1>"])
def test_the_rest_are_words(text: str) -> None:
    prompt = parse(text)
    assert prompt.networks == ()
    assert "".join(one.text for one in prompt.at(1, 1)[0].sections[0]) == text


def test_none_arises_where_one_was_taken_out() -> None:
    prompt = parse("<lo<lora:a:1>ra:b:1>")
    assert [network.name for network in prompt.networks] == ["a"]
    assert prompt.at(1, 1)[0].sections[0][0].text == "<lora:b:1>"
    assert parse(str(prompt)) == prompt
