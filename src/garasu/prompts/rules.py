"""How prompts are read: the choices that one run makes for all its prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from garasu.prompts.chunks import Split, by_commas, by_words

ALGEBRA = "algebra"  # the syntax in which a prompt is an expression of conditionings
OWN_EMPHASIS = {"comfy": "comfy", "compel": "compel", "plain": "ignore"}  # a syntax's; the others' is "a1111"


@dataclass(frozen=True)
class ReadingRules:
    """How a prompt becomes a conditioning. Names and numbers are checked when a prompt is read.

    ``syntax``: how brackets and the like are read: see `garasu.prompts.syntax`, and `garasu.prompts.expression` for
    "algebra"; ``emphasis``: how weights act: see `garasu.prompts.emphasis`, the syntax's own if None; ``clip_skip``: 1
    takes the text encoder's last layer, 2 the last but one, and so on, as A1111 counts (diffusers counts from 0);
    ``clip_skip_norm``: whether the final normalisation follows, as it does in A1111, NovelAI and diffusers;
    ``max_chunks``: cut what does not fit into so many times 75 tokens; 1 is plain Stable Diffusion, None cuts nothing.
    """

    syntax: str = "a1111"
    emphasis: str | None = None
    clip_skip: int = 1
    clip_skip_norm: bool = True
    max_chunks: int | None = None

    @property
    def weighting(self) -> str:
        """The name of the emphasis: the one that was chosen, else that of the tool whose syntax this is."""
        return self.emphasis or OWN_EMPHASIS.get(self.syntax, "a1111")

    @property
    def split(self) -> Split:
        """Where long prompts are divided: as the tool whose syntax this is does it."""
        return by_words if self.syntax == "comfy" else by_commas

    @property
    def of_words(self) -> ReadingRules:
        """The same for prompts that are words: those within an expression are read as A1111 does."""
        return replace(self, syntax="a1111") if self.syntax == ALGEBRA else self


DEFAULT_RULES = ReadingRules()
