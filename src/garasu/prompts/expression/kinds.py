"""The functions of the language, and which of numbers and conditionings may be combined how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from garasu.prompts.expression.nodes import Call, Kind, Negative, Node, Number, Product, Sum, Text, Variable

C, N = "conditioning", "number"


@dataclass(frozen=True)
class Function:
    """The kinds of arguments that a function takes, and of what it gives; ``usage`` is shown where they are not so."""

    usage: str
    takes: Callable[[Sequence[Kind]], bool]
    gives: Kind = "conditioning"


FUNCTIONS: Mapping[str, Function] = {
    "lerp": Function("lerp(from, to, number)", lambda kinds: list(kinds) == [C, C, N]),
    "slerp": Function("slerp(from, to, number)", lambda kinds: list(kinds) == [C, C, N]),
    "mean": Function("mean(prompt, prompt, …)", lambda kinds: bool(kinds) and set(kinds) == {C}),
    "project_out": Function("project_out(prompt, what to remove)", lambda kinds: list(kinds) == [C, C]),
    "normalise": Function("normalise(prompt, number or prompt)", lambda kinds: len(kinds) == 2 and kinds[0] == C),
    "norm": Function("norm(prompt)", lambda kinds: list(kinds) == [C], "number"),
}


class KindError(ValueError):
    """Parts that do not go together, with the node to blame."""

    def __init__(self, problem: str, node: Node) -> None:
        super().__init__(problem)
        self.node = node


def kind_of(node: Node) -> Kind:
    """Whether a node is a number or a conditioning; its parts have been checked.

    Raises:
        KindError: it can be neither.
    """
    match node:
        case Number() | Variable():
            return "number"
        case Negative():
            return kind_of(node.value)
        case Sum():
            return _of_sum(node)
        case Product():
            return _of_product(node)
        case Call():
            return _of_call(node)
        case Text():
            return _of_text(node)
    raise AssertionError(f"no such node: {node!r}")


def _of_sum(node: Sum) -> Kind:
    kinds = list(map(kind_of, node.terms))
    for kind, term in zip(kinds, node.terms, strict=True):
        if kind != kinds[0]:
            raise KindError(
                f"a number and a prompt cannot be added: multiply a prompt by the number, as in {_number(node)}*tabby",
                term,
            )
    return kinds[0]


def _number(node: Sum) -> str:
    return next((str(term) for term in node.terms if isinstance(term, Number | Variable)), "0.4")


def _of_product(node: Product) -> Kind:
    kinds = list(map(kind_of, node.factors))
    prompts = [number for number, kind in enumerate(kinds) if kind == "conditioning"]
    if len(prompts) > 1 and node.signs[prompts[1]] == "*":
        raise KindError(
            "two prompts cannot be multiplied: add them, or take mean(…); one of them may have a number as factor",
            node.factors[prompts[1]],
        )
    divided = next((number for number in prompts if node.signs[number] == "/"), None)
    if divided is not None:
        raise KindError("nothing can be divided by a prompt: divide it by a number", node.factors[divided])
    return "conditioning" if prompts else "number"


def _of_call(node: Call) -> Kind:
    function = FUNCTIONS[node.name]
    kinds = list(map(kind_of, node.arguments))
    if not function.takes(kinds):
        given = ", ".join("a prompt" if kind == C else "a number" for kind in kinds)
        raise KindError(f"{node.name} takes {function.usage}, not ({given})", node)
    return function.gives


def _of_text(node: Text) -> Kind:
    for change in node.changes:
        if kind_of(change.value) != "conditioning":
            raise KindError(
                f"a word becomes another prompt, not a number: write {{{change.word} *= 1.3}} to scale it", change.value
            )
    return "conditioning"
