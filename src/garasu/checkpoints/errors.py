"""What can be wrong with a checkpoint, said in one sentence."""

from collections.abc import Iterable


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, written or trusted; the message names the file and the fix."""


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Names for an error message: the first few in full, then how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return ", ".join(ordered[:limit]) + more
