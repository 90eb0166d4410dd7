"""The one error of this floor."""


class ModelError(ValueError):
    """A request that this model cannot fulfil, with what it can."""
