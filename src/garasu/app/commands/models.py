"""garasu info: what is inside a checkpoint."""

from garasu.checkpoints import xray


def info(model: str) -> int:
    """X-ray a checkpoint: layout, variant, keys, dtypes, parameters of each part, anything unknown.

    Parameters
    ----------
    model
        A checkpoint file, a folder or a hub id.
    """
    print(xray(model))
    return 0
