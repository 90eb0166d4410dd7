"""What a prompt is to a model: its tokens, their weights and vectors, what they are near to, and other prompts."""

from garasu.glass.prompt.inspect import inspect_prompt
from garasu.glass.prompt.report import PromptReport

__all__ = ["PromptReport", "inspect_prompt"]
