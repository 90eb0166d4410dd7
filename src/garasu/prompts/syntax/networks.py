"""``<lora:name:te:unet>`` and ``<hypernet:name:mult>``: networks that a prompt asks for, taken out of its text.

What follows the name is kept as typed, by position or by name (``te=0.5``). Tags of other kinds are words.
"""

from __future__ import annotations

import re
from typing import Literal

from garasu.prompts.prompt import Network

OPENER = re.compile(r"<(lora|hypernet):")


def take_networks(text: str) -> tuple[str, tuple[Network, ...]]:
    """The text without its networks, and the networks. What only looks like one afterwards is made words."""
    rest: list[str] = []
    networks: list[Network] = []
    start = 0
    while opener := OPENER.search(text, start):
        end = text.find(">", opener.end())
        if end < 0:
            break
        if end == opener.end():  # "<lora:>"
            rest.append(text[start : end + 1])
        else:
            rest.append(text[start : opener.start()])
            kind: Literal["lora", "hypernet"] = "lora" if opener[1] == "lora" else "hypernet"
            networks.append(_network(kind, text[opener.end() : end]))
        start = end + 1
    return OPENER.sub(r"<\\\1:", "".join([*rest, text[start:]])), tuple(networks)


def write_network(network: Network) -> str:
    """As typed, what is by position first."""
    items = [network.name, *network.arguments, *(f"{key}={value}" for key, value in network.options)]
    return f"<{network.kind}:{':'.join(items)}>"


def _network(kind: Literal["lora", "hypernet"], body: str) -> Network:
    items = body.split(":")
    name, *arguments = [item for item in items if "=" not in item] or [""]
    named = [item.partition("=") for item in items if "=" in item]
    return Network(kind, name, tuple(arguments), tuple((key, value) for key, _, value in named))
