"""The one error of this package."""


class RecordError(ValueError):
    """A record that cannot be made, read or replayed; the message says why and what to do."""
