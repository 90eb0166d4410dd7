"""garasu prompt: what a prompt is to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from garasu.app.model_flags import NONE_GIVEN, ModelFlags
from garasu.app.text_files import write_text
from garasu.images.saving import check_writable
from garasu.tasks.recipe import EmphasisName, SyntaxName


def prompt(
    prompt: str,
    *,
    against: Annotated[
        tuple[str, ...],
        Parameter(help="Another prompt to compare it with; several, each with its --against.", negative=""),
    ] = (),
    syntax: Annotated[SyntaxName, Parameter(help="How brackets are read.")] = "a1111",
    emphasis: Annotated[EmphasisName | None, Parameter(help="How weights act; else the syntax's own.")] = None,
    max_chunks: Annotated[
        int | None, Parameter(help="Cut what does not fit into so many times 75 tokens; 1 is plain Stable Diffusion.")
    ] = None,
    clip_skip: Annotated[int, Parameter(help="Which layer from the end reads the prompt; 1 is the last.")] = 1,
    clip_skip_norm: Annotated[bool, Parameter(help="Whether the final normalisation follows.")] = True,
    steps: Annotated[int, Parameter(help="Of the walk, for prompts that change on the way.")] = 25,
    negative: Annotated[
        bool, Parameter(help="Read it as a negative prompt, in which AND is a word.", negative="")
    ] = False,
    words: Annotated[
        int, Parameter(help="Among how many words of the vocabulary to look for the nearest; 0 for none.")
    ] = 2000,
    json: Annotated[Path | None, Parameter(help="A file for all of it, the tensor included.")] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="An HTML page to look at it, which needs nothing else.")
    ] = None,
    model: ModelFlags = NONE_GIVEN,
) -> int:
    """Show what a prompt is to a model: pieces of words, weights, chunks, vectors, the words that they are near to.

    Parameters
    ----------
    prompt
        As typed; quotes keep its words together.
    """
    from garasu.glass.prompt import inspect_prompt
    from garasu.glass.prompt.page import page
    from garasu.prompts.rules import ReadingRules

    for path in (json, output):
        if path is not None:
            check_writable(path)
    rules = ReadingRules(syntax, emphasis, clip_skip, clip_skip_norm, max_chunks)
    report = inspect_prompt(model.load(), prompt, against, rules, steps=steps, negative=negative, words=words)
    print(report.text())
    for path, text in ((json, report.to_json), (output, lambda: page(report))):
        if path is not None:
            write_text(text(), path)
    return 0
