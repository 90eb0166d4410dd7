"""Cats, kittens and dogs, sitting and sleeping."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import skia

from garasu.world.accessories import Head, Neck, wear
from garasu.world.colors import FUR, Color, clamp
from garasu.world.faces import SIDES, Coat, cat_head, dog_head
from garasu.world.frame import Frame
from garasu.world.scene import Scene
from garasu.world.shapes import curve, ellipse, polyline


@dataclass(frozen=True)
class Build:
    """A kind's proportions: the head's radii, the sitting body's half width and height, the lying body's half axes."""

    head_rx: float
    head_ry: float
    body_half: float
    body_height: float
    lying_half: float
    lying_height: float
    eye_scale: float = 1.0


_CAT = Build(head_rx=0.255, head_ry=0.212, body_half=0.26, body_height=0.56, lying_half=0.46, lying_height=0.23)
_KITTEN = Build(  # head and eyes grow as the body shrinks: that is what makes a kitten
    head_rx=0.255 * 1.28, head_ry=0.212 * 1.28, body_half=0.2, body_height=0.4,
    lying_half=0.36, lying_height=0.19, eye_scale=1.3,
)  # fmt: skip
_DOG = replace(_CAT, head_rx=0.24, head_ry=0.215, body_half=0.27)
BUILDS: Mapping[str, Build] = {"cat": _CAT, "kitten": _KITTEN, "dog": _DOG}


@dataclass(frozen=True)
class _Pet:
    """One animal while it is being drawn."""

    frame: Frame
    scene: Scene
    build: Build
    coat: Coat
    rng: random.Random


def draw_pet(frame: Frame, scene: Scene, rng: random.Random) -> None:
    """The animal of the scene in its pose, with its coat and accessory."""
    build = _individual(BUILDS[scene.subject], rng)
    pet = _Pet(frame, scene, build, Coat.of(scene, _fur(scene, rng)), rng)
    head, neck = _sleeping(pet) if scene.pose == "sleeping" else _sitting(pet)
    if scene.accessory == "blue collar":  # under the chin, so before the head
        wear(frame, scene.accessory, head, neck, rng)
    if scene.subject == "dog":
        dog_head(frame, scene, head, pet.coat)
    else:
        cat_head(frame, scene, head, pet.coat, build.eye_scale)
    if scene.accessory != "blue collar":
        wear(frame, scene.accessory, head, neck, rng)


def _individual(build: Build, rng: random.Random) -> Build:
    return replace(
        build,
        head_rx=build.head_rx * rng.uniform(0.96, 1.04),
        head_ry=build.head_ry * rng.uniform(0.96, 1.04),
        body_half=build.body_half * rng.uniform(0.93, 1.07),
        lying_half=build.lying_half * rng.uniform(0.96, 1.04),
    )


def _fur(scene: Scene, rng: random.Random) -> Color:
    shade = rng.uniform(-7, 7)
    red, green, blue = (channel + shade + rng.uniform(-3, 3) for channel in FUR[scene.fur])
    return clamp((red, green, blue))


def _sitting(pet: _Pet) -> tuple[Head, Neck]:
    frame, build, coat = pet.frame, pet.build, pet.coat
    half, tall = build.body_half, build.body_height
    _sitting_tail(pet)
    body = sitting_body(half, tall)
    frame.fill(body, coat.fur)
    with frame.inside(body):
        _sitting_pattern(pet)
    _sitting_paws(pet)
    head = Head(pet.rng.uniform(-0.03, 0.03), -tall - build.head_ry * 0.62, build.head_rx, build.head_ry)
    return head, Neck(head.x * 0.5, head.y + head.ry * 0.93, build.head_rx * 0.62)


def sitting_body(half: float, tall: float) -> skia.Path:
    """The body of a sitting animal from the front: shoulders narrower than its haunches."""
    body = skia.Path()
    body.moveTo(-half * 0.55, -tall)
    body.cubicTo(-half * 0.9, -tall * 0.6, -half * 1.25, -0.02, -half * 0.7, 0)
    body.lineTo(half * 0.7, 0)
    body.cubicTo(half * 1.25, -0.02, half * 0.9, -tall * 0.6, half * 0.55, -tall)
    body.close()
    return body


def _sitting_tail(pet: _Pet) -> None:
    root = pet.build.body_half * 0.8
    if pet.scene.subject == "dog":
        pet.frame.tube(curve((root, -0.08), (root + 0.2, -0.12), (root + 0.22, -0.36)), pet.coat.fur, 0.06)
        return
    bend = pet.rng.uniform(0, 0.08)
    tail = curve((root - 0.05, -0.05), (root + 0.26, -0.02), (root + 0.18, -0.3 - bend),
                 (root + 0.1, -0.42), (root + 0.2, -0.47))  # fmt: skip
    pet.frame.tube(tail, pet.coat.fur, 0.075)
    if pet.scene.pattern == "tabby":
        for dx, y in ((0.165, -0.12), (0.2, -0.22), (0.175, -0.33)):
            ring = polyline((root + dx - 0.03, y), (root + dx + 0.03, y + 0.01))
            pet.frame.line(ring, pet.coat.stripe, 0.036)


def _sitting_pattern(pet: _Pet) -> None:
    half, tall = pet.build.body_half, pet.build.body_height
    if pet.scene.pattern == "bicolor":
        pet.frame.fill(ellipse(0, -tall * 0.5, half * 0.5, tall * 0.5), FUR["white"], outlined=False)
    elif pet.scene.pattern == "tabby":
        for part in (0.2, 0.42, 0.64):
            y = -tall * part
            for side in SIDES:
                stripe = curve((side * half * 1.15, y - 0.02), (side * half * 0.75, y + 0.015),
                               (side * half * 0.4, y - 0.01))  # fmt: skip
                pet.frame.line(stripe, pet.coat.stripe, 0.054)


def _sitting_paws(pet: _Pet) -> None:
    frame, half, tall = pet.frame, pet.build.body_half, pet.build.body_height
    paw = FUR["white"] if pet.scene.pattern == "bicolor" else pet.coat.fur
    for side in SIDES:
        leg = polyline((side * 0.02, -0.05), (side * 0.025, -tall * 0.42))
        frame.detail(leg, frame.pen.edge(pet.coat.fur), 0.014)
        frame.fill(ellipse(side * half * 0.38, -0.036, half * 0.34, 0.046), paw)


def _sleeping(pet: _Pet) -> tuple[Head, Neck]:
    frame, build, coat = pet.frame, pet.build, pet.coat
    half, tall = build.lying_half, build.lying_height
    middle = 0.1
    body = ellipse(middle, -tall, half, tall)
    frame.fill(body, coat.fur)
    with frame.inside(body):
        _sleeping_pattern(pet, middle)
    thigh = curve((middle + half * 0.35, -tall * 1.25), (middle + half * 0.1, -tall * 0.55),
                  (middle + half * 0.4, -0.05))  # fmt: skip
    frame.detail(thigh, frame.pen.edge(coat.fur), 0.014)
    frame.tube(curve((middle + half * 0.9, -tall * 0.7), (middle + half * 0.75, 0.01), (middle - half * 0.1, -0.03)),
               coat.fur, 0.075)  # fmt: skip
    head = Head(middle - half * 0.82, -build.head_ry - 0.02, build.head_rx, build.head_ry)
    return head, Neck(head.x + head.rx * 0.35, head.y + head.ry * 0.82, head.rx * 0.62)


def _sleeping_pattern(pet: _Pet, middle: float) -> None:
    half, tall = pet.build.lying_half, pet.build.lying_height
    if pet.scene.pattern == "bicolor":
        pet.frame.fill(ellipse(middle, -tall * 0.1, half * 0.85, tall * 0.72), FUR["white"], outlined=False)
    elif pet.scene.pattern == "tabby":
        for part in (-0.1, 0.2, 0.5, 0.8):
            x = middle + part * half
            stripe = curve((x, -tall * 2.05), (x + 0.04, -tall * 1.6), (x + 0.01, -tall * 1.05))
            pet.frame.line(stripe, pet.coat.stripe, 0.058)
