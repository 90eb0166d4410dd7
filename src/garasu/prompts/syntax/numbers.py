"""Numbers as prompts write them."""

from __future__ import annotations

from decimal import Decimal

UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"  # one reading only, so that a flood of digits is read in one pass
SIGNED = rf"[-+]?{UNSIGNED}"


def decimal(number: float) -> str:
    """The shortest text that reads back as the same number, without an exponent, which prompts do not know."""
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return format(Decimal(repr(number)), "f")
