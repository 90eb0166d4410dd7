"""A tree and an encoder to a conditioning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from garasu.prompts import algebra
from garasu.prompts.algebra import AlgebraError
from garasu.prompts.conditioning import Conditioning, aligned
from garasu.prompts.expression.errors import ExpressionError
from garasu.prompts.expression.nodes import (
    Call,
    Change,
    Negative,
    Node,
    Number,
    Product,
    Sum,
    Text,
)
from garasu.prompts.expression.texts import leaves_of, prompts_of
from garasu.prompts.word_edits import Change as WordChange
from garasu.prompts.word_edits import edit_words

Value = Tensor | float
Read = Callable[[Text], Tensor]


class EvaluationError(ValueError):
    """An operation that could not be done, with the node that asked for it."""

    def __init__(self, problem: str, node: Node) -> None:
        super().__init__(problem)
        self.node = node


def evaluated(tree: Node, encode: Callable[[str], Conditioning], source: str) -> Conditioning:
    """The conditioning [1, T, D] of a tree without variables, in the encoder's number format.

    Raises:
        ExpressionError: what cannot be computed, with its place in the source.
    """
    try:
        read = {node: _wide(_changed(node, encode)) for node in prompts_of(tree)}
        if len({words.tensor.shape[1] for words in read.values()}) > 1:
            read = dict(zip(read, aligned(*read.values(), empty=encode("")), strict=True))
        tensor = _tensor(value_of(tree, lambda node: read[node].tensor))
    except EvaluationError as error:
        raise ExpressionError(str(error), source, error.node.column) from error
    if not tensor.isfinite().all():
        raise ExpressionError("the result is not finite: take smaller numbers", source, 1)
    return Conditioning(tensor.to(encode(prompts_of(tree)[0].text).tensor.dtype))


def value_of(node: Node, read: Read) -> Value:
    """A node's value, with ``read`` for its prompts."""
    try:
        match node:
            case Number():
                return node.value
            case Text():
                return read(node)
            case Negative():
                return _scaled(value_of(node.value, read), -1.0)
            case Sum():
                return _sum(node, read)
            case Product():
                return _product(node, read)
            case Call():
                return _call(node, [value_of(one, read) for one in node.arguments])
    except AlgebraError as error:
        raise EvaluationError(str(error), node) from error
    raise AssertionError(f"no value: {node!r}")


def _sum(node: Sum, read: Read) -> Value:
    total = value_of(node.terms[0], read)
    for sign, term in zip(node.signs[1:], node.terms[1:], strict=True):
        value = value_of(term, read)
        if isinstance(total, Tensor) and isinstance(value, Tensor):
            total = algebra.add(total, value) if sign == "+" else algebra.subtract(total, value)
        else:
            total = _number(total) + (_number(value) if sign == "+" else -_number(value))
    return total


def _product(node: Product, read: Read) -> Value:
    total: Value = 1.0
    for sign, factor in zip(node.signs, node.factors, strict=True):
        value = value_of(factor, read)
        if sign == "/" and value == 0:
            raise EvaluationError("this is 0, and nothing can be divided by 0", factor)
        if isinstance(value, Tensor):
            total = _scaled(value, _number(total))
        else:
            total = _scaled(total, 1 / value if sign == "/" else value)
    return total


def _call(node: Call, values: list[Value]) -> Value:
    match node.name:
        case "lerp":
            return algebra.lerp(_tensor(values[0]), _tensor(values[1]), _number(values[2]))
        case "slerp":
            return algebra.slerp(_tensor(values[0]), _tensor(values[1]), _number(values[2]))
        case "mean":
            return algebra.mean([_tensor(value) for value in values])
        case "project_out":
            return algebra.project_out(_tensor(values[0]), _tensor(values[1]))
        case "normalise":
            return algebra.normalise(_tensor(values[0]), values[1])
        case "norm":
            return algebra.norm(_tensor(values[0]))
    raise AssertionError(f"no such function: {node.name}")


def _changed(node: Text, encode: Callable[[str], Conditioning]) -> Conditioning:
    if not node.changes:
        return encode(node.text)
    try:
        return edit_words(lambda text: _wide(encode(text)), node.text, [_word_change(c) for c in node.changes])
    except AlgebraError as error:
        raise EvaluationError(str(error), node) from error


def _word_change(change: Change) -> WordChange:
    return WordChange(change.word, leaves_of(change), partial(_change_value, change.value), change.nth, change.ends)


def _change_value(tree: Node, given: Mapping[str, Tensor]) -> Tensor:
    return _tensor(value_of(tree, lambda node: given[node.text]))


def _wide(words: Conditioning) -> Conditioning:
    """In float32 at least."""
    return words if words.tensor.dtype == torch.float64 else words.to(dtype=torch.float32)


def _scaled(value: Value, factor: float) -> Value:
    return algebra.scale(value, factor) if isinstance(value, Tensor) else value * factor


def _tensor(value: Value) -> Tensor:
    assert isinstance(value, Tensor)  # kinds were checked
    return value


def _number(value: Value) -> float:
    assert not isinstance(value, Tensor)
    return value
