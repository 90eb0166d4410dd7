"""Single files: all parts in one flat list of keys, as CompVis wrote them, and VAEs alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from garasu.checkpoints import betas, header, kinds, names
from garasu.checkpoints.betas import Betas
from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.files import WeightFile, open_weights
from garasu.checkpoints.header import Header
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


def open_single(path: Path, *, ema: bool = False) -> Source:
    """A single-file checkpoint, or a VAE alone.

    Args:
        ema: take the averaged weights ``model_ema.*`` where a file has both.

    Raises:
        CheckpointError: unreadable, or ``ema`` is asked of a file that has none.
    """
    file = open_weights(path)
    said = header.read(file.metadata, path)
    bare = _bare_part(file.tensors)
    source = Source(path, (path,), {}, "nothing known", foreign=kinds.foreign(file.tensors))
    if bare is not None:
        part, layout = bare
        weights, extras = _split(file.tensors, part)
        parts = {part: Part(weights, layout, str(path), said.known(part), file.mapped)}
        return replace(source, parts=parts, layout=f"single file: {part} alone", known_extras=extras)
    parts, extras, unknown = _parts(file, said)
    has_ema = any(key.startswith(EMA) for key in file.tensors if not is_buffer(key))
    if ema:
        parts["unet"] = _averaged(parts.get("unet"), file, has_ema=has_ema)
    return replace(
        source,
        parts=parts,
        layout="single file (CompVis names)" if parts else "nothing known",
        prediction=said.prediction or _prediction(file),
        betas=said.betas or _betas(file),
        tokenizer=said.tokenizer,
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


def _parts(file: WeightFile, said: Header) -> tuple[dict[PartName, Part], tuple[str, ...], tuple[str, ...]]:
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
        part: Part(weights, layout_of(part, weights), str(file.path), said.known(part), file.mapped)
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


def _prediction(file: WeightFile) -> Prediction | None:
    """From Stability's model specification, or a CompVis yaml of the same name beside the file."""
    spelled: dict[str, Prediction] = {"epsilon": "epsilon", "eps": "epsilon", "v": "v_prediction"}
    said = file.metadata.get("modelspec.prediction_type")
    if said is None and (yaml := file.path.with_suffix(".yaml")).is_file():
        text = yaml.read_text(encoding="utf-8", errors="replace")
        match = re.search(r"^\s*parameterization:\s*[\"']?(\w+)", text, re.MULTILINE)
        said = match[1] if match else None
    return spelled.get(said or "")


def _betas(file: WeightFile) -> Betas:
    return betas.from_buffer(file.tensors["betas"], str(file.path)) if "betas" in file.tensors else Betas()
