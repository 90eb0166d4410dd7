"""Single files: all parts in one flat list of keys, as CompVis wrote them, and VAEs alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from garasu.checkpoints import betas, configs, kinds, names
from garasu.checkpoints.betas import Betas
from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.files import WeightFile, open_weights
from garasu.checkpoints.names import Layout, PartName
from garasu.checkpoints.source import Part, Prediction, Source, is_buffer, layout_of

PREFIXES: tuple[tuple[str, PartName], ...] = (
    ("model.diffusion_model.", "unet"),
    ("first_stage_model.", "vae"),
    ("cond_stage_model.transformer.", "text_encoder"),
    ("cond_stage_model.model.", "text_encoder"),
    ("image_encoder.", "image_encoder"),  # ours: the other half of CLIP, which no other tool stores here
)
EMA = "model_ema."
METADATA = "garasu"  # the key of a safetensors header under which we keep what shapes do not show


def open_single(path: Path, *, ema: bool = False) -> Source:
    """A single-file checkpoint, or a VAE alone.

    Args:
        ema: take the averaged weights ``model_ema.*`` where a file has both.

    Raises:
        CheckpointError: unreadable, or ``ema`` is asked of a file that has none.
    """
    file = open_weights(path)
    known = _metadata(file)
    bare = _bare_part(file.tensors)
    source = Source(path, (path,), {}, "nothing known", foreign=kinds.foreign(file.tensors))
    if bare is not None:
        part, layout = bare
        weights, extras = _split(file.tensors, part)
        parts = {part: Part(weights, layout, str(path), known.get(part, {}), file.mapped)}
        return replace(source, parts=parts, layout=f"single file: {part} alone", known_extras=extras)
    parts, extras, unknown = _parts(file, known)
    has_ema = any(key.startswith(EMA) for key in file.tensors if not is_buffer(key))
    if ema:
        parts["unet"] = _averaged(parts.get("unet"), file, has_ema=has_ema)
    return replace(
        source,
        parts=parts,
        layout="single file (CompVis names)" if parts else "nothing known",
        prediction=_prediction(path, known, file.metadata),
        betas=_betas(file, known),
        tokenizer=known.get("tokenizer"),
        known_extras=extras,
        unknown=unknown,
        ema=has_ema,
    )


def _bare_part(keys: Mapping[str, Tensor]) -> tuple[PartName, Layout] | None:
    """The part and layout of a file that holds one part without prefix: a VAE, or one file of a folder."""
    telling: tuple[tuple[str, PartName], ...] = (
        (r"(encoder|decoder)\.(conv_in|conv_out|mid|down|up)|(post_)?quant_conv\.", "vae"),
        (r"(conv_in|down_blocks|mid_block|time_embedding|input_blocks|middle_block)\.", "unet"),
        (r"(text_model|embeddings|encoder\.layers)\.", "text_encoder"),
    )
    for pattern, part in telling:
        if any(re.match(pattern, key) for key in keys):
            return part, layout_of(part, keys)
    return None


def _split(tensors: Mapping[str, Tensor], part: PartName) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Weights in today's spelling, and the buffers beside them."""
    extras = tuple(key for key in tensors if is_buffer(key))
    return {names.modern(part, key): tensor for key, tensor in tensors.items() if key not in set(extras)}, extras


def _parts(file: WeightFile, known: Mapping[str, Any]) -> tuple[dict[PartName, Part], tuple[str, ...], tuple[str, ...]]:
    """The parts, the known extras and the unknown keys of a flat file."""
    found: dict[PartName, dict[str, Tensor]] = {}
    extras, unknown = [], []
    averaged = _averaged_keys(file.tensors)
    for key, tensor in file.tensors.items():
        prefix, part = next(((p, part) for p, part in PREFIXES if key.startswith(p)), ("", None))
        name = names.modern(part, key.removeprefix(prefix)) if part else key
        if is_buffer(key) or key in averaged:
            extras.append(key)
        elif part is None or name in found.get(part, {}):  # the same weight in two spellings is as bad as a stray
            unknown.append(key)
        else:
            found.setdefault(part, {})[name] = tensor
    parts = {
        part: Part(weights, layout_of(part, weights), str(file.path), known.get(part, {}), file.mapped)
        for part, weights in found.items()
    }
    return parts, tuple(extras), tuple(unknown)


def _averaged_keys(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The key of the average of each U-Net weight → the weight's key without prefix. CompVis drops every dot."""
    prefix = PREFIXES[0][0]
    return {
        EMA + key.removeprefix("model.").replace(".", ""): key.removeprefix(prefix)
        for key in tensors
        if key.startswith(prefix)
    }


def _averaged(unet: Part | None, file: WeightFile, *, has_ema: bool) -> Part:
    if unet is None or not has_ema:
        raise CheckpointError(f"{file.path} holds no averaged weights (model_ema.*): read it without ema.")
    averages = _averaged_keys(file.tensors)
    if missing := [key for key in averages if key not in file.tensors]:
        raise CheckpointError(f"{file.path} lacks averages of some weights: {listed(missing)}.")
    return replace(unet, weights={key: file.tensors[average] for average, key in averages.items()})


def _metadata(file: WeightFile) -> dict[str, Any]:
    """What we ourselves wrote into the header."""
    where = f"{file.path} (its header's {METADATA})"
    try:
        content = json.loads(file.metadata.get(METADATA, "{}"))
        for _, part in PREFIXES:
            configs.check_fields(content.get(part, {}), where)
    except (ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{where} is damaged ({error}): save the model again.") from None
    assert isinstance(content, dict)
    return content


def _prediction(path: Path, known: Mapping[str, Any], metadata: Mapping[str, str]) -> Prediction | None:
    """From our own header, Stability's model specification, or a CompVis yaml of the same name beside the file."""
    spelled: dict[str, Prediction] = {
        "epsilon": "epsilon", "eps": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"
    }  # fmt: skip
    said = known.get("prediction") or metadata.get("modelspec.prediction_type")
    if said is None and (yaml := path.with_suffix(".yaml")).is_file():
        match = re.search(r"^\s*parameterization:\s*[\"']?(\w+)", yaml.read_text(errors="replace"), re.MULTILINE)
        said = match[1] if match else None
    return spelled.get(said or "")


def _betas(file: WeightFile, known: Mapping[str, Any]) -> Betas:
    if "betas" in known:
        return betas.from_fields(known["betas"], str(file.path))
    return betas.from_buffer(file.tensors["betas"], str(file.path)) if "betas" in file.tensors else Betas()
