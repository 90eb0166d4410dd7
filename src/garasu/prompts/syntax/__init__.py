"""The syntaxes that prompts are typed in. Each reads any text whatever, in one pass, without recursion."""

from __future__ import annotations

from collections.abc import Callable

from garasu.prompts.prompt import Prompt, PromptError
from garasu.prompts.syntax import a1111, comfy, compel, novelai, plain

PARSERS: dict[str, Callable[[str], Prompt]] = {
    "a1111": a1111.parse,
    "novelai": novelai.parse,
    "comfy": comfy.parse,
    "compel": compel.parse,
    "plain": plain.parse,
}
SYNTAXES = tuple(PARSERS)


def parse(text: str, syntax: str = "a1111", *, composes: bool = True) -> Prompt:
    """A prompt, read by the rules of docs/reference/prompt-syntax.md. Any text is a prompt.

    Args:
        text: as typed.
        syntax: "a1111", "novelai", "comfy", "compel" or "plain" (the text is the prompt).
        composes: False reads A1111's AND, and the weight of a part, as words; A1111's negative prompt knows neither.

    Raises:
        PromptError: there is no such syntax.
    """
    if syntax not in PARSERS:
        known = ", ".join(SYNTAXES)
        raise PromptError(f"there is no prompt syntax {syntax!r}: choose one of {known}; a model also reads algebra")
    if syntax == "a1111":
        return a1111.parse(text, composes)
    return PARSERS[syntax](text)
