"""No syntax: the text is the prompt."""

from __future__ import annotations

from garasu.prompts.prompt import Fixed, Part, Prompt, merged


def parse(text: str) -> Prompt:
    """Every character stands for itself."""
    return Prompt("plain", (Part(1.0, Fixed((merged([(text, 1.0)]),))),), text)
