"""A1111's rules read a second time, straight from their description and by other means: slow, recursive, quadratic.

Texts are substituted by regular expressions until nothing is left to resolve, and a bracket that closes multiplies the
weights of all that it holds. What a switch says is hidden behind private characters meanwhile, so that nothing in it is
read twice.
"""

import re

Pieces = list[tuple[str, float]]

HIDDEN = {sign: chr(0xE000 + number) for number, sign in enumerate(r"\()[]:|")}  # private use area
SHOWN = {hidden: sign for sign, hidden in HIDDEN.items()}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
INNERMOST = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]")  # brackets that hold no others


def composed(text: str, step: int, steps: int) -> list[tuple[float, list[Pieces]]]:
    """For every part between ANDs its weight and its sections, as text with weights."""
    text = re.sub(r"<(lora|hypernet):([^>]+)>", "", text)
    found = []
    for part in re.split(r"\bAND\b", text):
        end = re.fullmatch(rf"(?s)(.*):\s*({NUMBER})\s*", part)
        words, weight = (end[1], float(end[2])) if end else (part, 1.0)
        found.append((weight, emphasised(resolved(words.strip(), step, steps))))
    return found


def resolved(text: str, step: int, steps: int) -> str:
    """The text at one step: the innermost brackets are judged and hidden, until there are none."""
    text = re.sub(r"(?s)\\.", lambda pair: "".join(HIDDEN.get(sign, sign) for sign in pair[0]), text)
    text = text.replace("\\", HIDDEN["\\"])
    store: list[str] = []

    def judge(found: re.Match[str]) -> str:
        said = found[0] if found[2] is None else switched(found[2], step, steps)
        store.append(said)
        return f"\ue100{len(store) - 1}\ue101"

    while (after := INNERMOST.sub(judge, text)) != text:
        text = after
    while (after := re.sub("\ue100(\\d+)\ue101", lambda found: store[int(found[1])], text)) != text:
        text = after
    return "".join(SHOWN.get(sign, sign) for sign in text)


def switched(inside: str, step: int, steps: int) -> str:
    """What square brackets say that hold no other brackets in sight."""
    edit = re.fullmatch(rf"(?s)(?:([^:]*):)?([^:]*):\s*({NUMBER}(?:[eE][-+]?\d+)?)\s*", inside)
    if edit:
        when = float(edit[3])
        last = int(when * steps) if "." in edit[3] else int(when)
        return (edit[1] or "") if step <= last else edit[2]
    options = inside.split("|")
    return options[(step - 1) % len(options)] if len(options) > 1 else f"[{inside}]"


def emphasised(text: str) -> list[Pieces]:
    """The sections between BREAKs: pieces of text with weights, neighbours of equal weight joined."""
    pieces: list[list] = []  # text (None for BREAK), weight
    round_: list[int] = []
    square: list[int] = []
    while text:
        sign, weight, text = first_sign(text)
        if sign == "(":
            round_.append(len(pieces))
        elif sign == "[":
            square.append(len(pieces))
        elif round_ and (weight is not None or sign == ")"):
            multiply(pieces, round_.pop(), 1.1 if weight is None else weight)
        elif square and sign == "]":
            multiply(pieces, square.pop(), 1 / 1.1)
        elif sign.startswith("\\"):
            pieces.append([sign[1:], 1.0])
        else:
            for number, part in enumerate(re.split(r"\s*\bBREAK\b\s*", sign)):
                if number:
                    pieces.append([None, 1.0])
                pieces.append([part, 1.0])
    for start in round_:
        multiply(pieces, start, 1.1)
    for start in square:
        multiply(pieces, start, 1 / 1.1)
    return joined(pieces)


def first_sign(text: str) -> tuple[str, float | None, str]:
    """The next sign or run of text, the weight if it is ``:1.3)``, and what follows."""
    if found := re.match(rf":\s*({NUMBER})\s*\)", text):
        return found[0], float(found[1]), text[found.end() :]
    found = re.match(r"\\[()\[\]\\]|[^\\()\[\]:]+|.", text, re.DOTALL)
    assert found
    return found[0], None, text[found.end() :]


def multiply(pieces: list[list], start: int, factor: float) -> None:
    for place in range(start, len(pieces)):
        pieces[place] = [pieces[place][0], pieces[place][1] * factor]


def joined(pieces: list[list]) -> list[Pieces]:
    sections: list[Pieces] = [[]]
    for text, factor in pieces:
        if text is None and factor == 1:
            sections.append([])
            continue
        said, weight = ("BREAK", -factor) if text is None else (text, factor)
        if said and sections[-1] and sections[-1][-1][1] == weight:
            sections[-1][-1] = (sections[-1][-1][0] + said, weight)
        elif said:
            sections[-1].append((said, weight))
    return sections
