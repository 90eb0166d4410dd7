"""What garasu writes into the header of a single file: all that shapes do not show and other tools keep elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from garasu.checkpoints import configs
from garasu.checkpoints.betas import Betas, check_betas
from garasu.checkpoints.errors import CheckpointError
from garasu.checkpoints.names import PartName
from garasu.checkpoints.source import Prediction

KEY = "garasu"  # of the safetensors metadata


@dataclass(frozen=True)
class Header:
    """The fields of each part's configuration that ``infer`` takes as known, and what belongs to no part."""

    unet: dict[str, Any] = field(default_factory=dict)
    vae: dict[str, Any] = field(default_factory=dict)
    text_encoder: dict[str, Any] = field(default_factory=dict)
    image_encoder: dict[str, Any] = field(default_factory=dict)
    prediction: Prediction | None = None
    betas: Betas | None = None
    tokenizer: dict[str, str] | None = None  # the files of a tokenizer/ folder, where it is not CLIP's

    def known(self, part: PartName) -> dict[str, Any]:
        """The fields of one part."""
        return cast(dict[str, Any], getattr(self, part))


ADAPTER = TypeAdapter(Header)


def read(metadata: Mapping[str, str], path: object) -> Header:
    """Our entry of a file's metadata; an empty one where there is none.

    Raises:
        CheckpointError: the entry is damaged.
    """
    where = f"{path} (its header's {KEY!r})"
    try:
        header = ADAPTER.validate_json(metadata.get(KEY, "{}"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise CheckpointError(f"{where} is damaged, {place}: {first['msg']}; save the model again.") from None
    for fields in (header.unet, header.vae, header.text_encoder, header.image_encoder):
        configs.check_fields(fields, where)
    if header.betas is not None:
        check_betas(header.betas, where)
    return header


def write(header: Header) -> dict[str, str]:
    """The entry for a file's metadata."""
    return {KEY: ADAPTER.dump_json(header).decode()}
