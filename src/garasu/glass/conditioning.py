"""The conditioning of a recorded run, as the prompt inspector shows it."""

from __future__ import annotations

from torch import Tensor

from garasu.glass.prompt import PromptReport, inspect_prompt
from garasu.glass.prompt.inspect import WORDS
from garasu.glass.record.opening import Record
from garasu.glass.record.walk import NEGATIVE, PROMPT
from garasu.model import StableDiffusion
from garasu.prompts.conditioning import filled
from garasu.tasks.sampled import rules_of


def conditioning_report(
    sd: StableDiffusion, record: Record, *, negative: bool = False, words: int = WORDS
) -> PromptReport:
    """What the record's prompt, or its negative prompt, is to a model, read as its recipe says.

    Raises:
        PromptError, ExpressionError: a prompt that the model cannot read.
        ValueError: a negative ``words``.
    """
    recipe = record.recipe
    text = recipe.negative_prompt if negative else recipe.prompt
    return inspect_prompt(sd, text, rules=rules_of(recipe), steps=recipe.steps, negative=negative, words=words)


def compared(record: Record, report: PromptReport) -> str:
    """Whether the vectors of a report are those that entered the U-Net in the record: one line."""
    walk = record.walks[0]
    kind = NEGATIVE if report.settings.negative else PROMPT
    sides = [side for side in walk.sides if side.startswith(kind)]
    told = [rows[0].float() for side in sides for rows in walk.words(side)]
    if not told:
        return f"the record has no {kind} conditioning: the run had no use for it, or kept no predictions"
    far = max(min(_distance(rows, part.tensor, report.empty) for part in report.parts) for rows in told)
    if far == 0:
        return "identical to the record: every vector that entered the U-Net, to the bit"
    return f"different from the record: its vectors by up to {far:.3g} (root mean square of the difference)"


def _distance(rows: Tensor, part: Tensor, empty: Tensor) -> float:
    """Between two conditionings [T, D], the shorter one filled up as the run does."""
    length = max(len(rows), len(part))
    one, other = (filled(x[None], length, empty[None]) for x in (rows, part))
    return float((one - other).square().mean().sqrt())
