"""The texts of which a tree is made."""

from __future__ import annotations

from garasu.prompts.exchange import exchange
from garasu.prompts.expression.nodes import Change, Node, Text, walk


def texts_of(tree: Node) -> tuple[str, ...]:
    """What a tree has encoded, each text once, in the order in which it is written."""
    found: dict[str, None] = {}
    for node in prompts_of(tree):
        found[node.text] = None
        for change in node.changes:
            for text in leaves_of(change):
                found[exchange(node.text, change.word, text, change.nth)] = None
    return tuple(found)


def leaves_of(change: Change) -> tuple[str, ...]:
    """The texts that may stand in the word's place."""
    return tuple(dict.fromkeys(node.text for node in walk(change.value) if isinstance(node, Text)))


def prompts_of(node: Node) -> list[Text]:
    """The prompts that stand for themselves, not in a word's place."""
    if isinstance(node, Text):
        return [node]
    return [text for part in node.parts for text in prompts_of(part)]
