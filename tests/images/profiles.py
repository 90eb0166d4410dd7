"""Colour profiles built by hand after the ICC's specification (version 2), for pictures to carry."""

import struct
from collections.abc import Sequence

RED, GREEN, BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7142)  # sRGB's, at D50
D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(red=RED, green=GREEN, blue=BLUE, curve: Sequence[float] = ()) -> bytes:
    """An RGB with these primaries, linear if it has no curve (0..1 at evenly spaced levels)."""
    primaries = {b"rXYZ": _xyz(red), b"gXYZ": _xyz(green), b"bXYZ": _xyz(blue)}
    return _profile(b"RGB ", b"XYZ ", {**primaries, **{name: _curve(curve) for name in (b"rTRC", b"gTRC", b"bTRC")}})


def gray_profile() -> bytes:
    """A linear gray."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _curve([])})


def cmyk_profile() -> bytes:
    """Four inks, of which the first takes all light away, and the others none."""
    identity = bytes(range(256))
    corners = b"".join(bytes([0 if corner & 8 else 255, 128, 128]) for corner in range(16))  # Lab; ink 1 varies slowest
    numbers = struct.pack(">4sI4B9i", b"mft1", 0, 4, 3, 2, 0, *(65536 if at % 4 == 0 else 0 for at in range(9)))
    return _profile(b"CMYK", b"Lab ", {b"A2B0": numbers + identity * 4 + corners + identity * 3})


def _xyz(values) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))


def _curve(values: Sequence[float]) -> bytes:
    """No entries: linear."""
    return struct.pack(f">4sII{len(values)}H", b"curv", 0, len(values), *(round(value * 65535) for value in values))


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(D50), **tags}
    at, table, bodies = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body + b"\0" * (-len(body) % 4)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s", at + len(bodies), b"none", 0x02100000, kind, space, connection)
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp")
    head = head.ljust(68, b"\0") + _xyz(D50)[8:]
    return head.ljust(128, b"\0") + table + bodies
