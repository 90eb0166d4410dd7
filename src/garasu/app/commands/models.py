"""garasu info: what is inside a checkpoint."""

from garasu.app.failures import REFUSED
from garasu.checkpoints import xray


def info(model: str) -> int:
    """X-ray a checkpoint: layout, variant, keys, dtypes, parameters of each part, anything unknown.

    The exit code is 2 when the checkpoint would not load; the last lines say why.

    Parameters
    ----------
    model
        A checkpoint file, a folder or a hub id.
    """
    found = xray(model)
    print(found)
    return REFUSED if found.problems else 0
