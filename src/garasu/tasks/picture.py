"""A picture together with everything that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PIL import Image
from pydantic import ConfigDict

from garasu.images.metadata import Metadata, save_png
from garasu.tasks.a1111 import a1111_text
from garasu.tasks.recipe import Recipe, Record

if TYPE_CHECKING:  # so that reading a recipe does not wait for torch
    from garasu.model import StableDiffusion
    from garasu.networks.safety import SafetyReport


class MadeWith(Record):
    """What a recipe ran on: the same recipe on the same of these gives the same picture."""

    model_config = ConfigDict(extra="ignore")  # later versions may say more

    model: str  # "bundled", a hub id, or a file's name (without its folder, which tells too much about its owner)
    model_hash: str  # SHA-256 of its weights; "" for a model made in memory
    vae: str  # name of a VAE that replaced the model's own, or ""
    device: str
    dtype: str
    garasu: str  # version
    torch: str  # version

    @classmethod
    def of(cls, sd: StableDiffusion) -> MadeWith:
        """What `sd` is and where it runs."""
        return cls(
            model=sd.name,
            model_hash=sd.checkpoint.hash or "",
            vae=sd.vae_name,
            device=sd.device.type,
            dtype=str(sd.dtype).removeprefix("torch."),
            garasu=version("garasu"),
            torch=version("torch"),
        )


Recipe_co = TypeVar("Recipe_co", bound=Recipe, covariant=True)


@dataclass(frozen=True)
class Picture(Generic[Recipe_co]):
    """`image` is RGB; `recipe` makes this one picture (its own seed, a count of 1).

    `others` are pictures on the way to it that are worth keeping, by name. `safety` is what the model's safety
    checker said of it, if it was asked.
    """

    image: Image.Image
    recipe: Recipe_co
    made_with: MadeWith
    others: Mapping[str, Image.Image] = field(default_factory=dict)
    safety: SafetyReport | None = None

    def save(self, path: str | Path) -> None:
        """Write a PNG that carries the recipe, for `garasu show` and `redo` and for readers of A1111's text.

        Raises ValueError for a name that does not end in .png, and OSError as any file does.
        """
        save_png(self.image, path, Metadata(self.record(), a1111_text(self.recipe, self.made_with.model_dump())))

    def record(self) -> Mapping[str, Any]:
        """The JSON that the PNG carries."""
        said = {} if self.safety is None else {"safety": self.safety.to_json()}
        known = {"task": self.recipe.task, "recipe": self.recipe.model_dump(), "made_with": self.made_with.model_dump()}
        return known | said
