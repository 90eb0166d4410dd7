"""Why paths cannot be looked at together."""


class PathError(ValueError):
    """Runs that cannot be compared, or a fan or map that cannot be made, with what would help."""
