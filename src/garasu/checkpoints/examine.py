"""A checkpoint's X-ray: what is in it, also when it is damaged, foreign or incomplete. Builds nothing, runs nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from garasu.checkpoints import kinds, safetensors_file
from garasu.checkpoints.build import account, blank, part_config
from garasu.checkpoints.errors import CheckpointError, listed
from garasu.checkpoints.files import container
from garasu.checkpoints.names import Config, PartName
from garasu.checkpoints.reading import check, open_source
from garasu.checkpoints.safe_pickle import read_tensors
from garasu.checkpoints.source import Part, Source
from garasu.networks.unet import UNetConfig

PREFIXES = re.compile(
    r"(model\.diffusion_model|model_ema|first_stage_model|cond_stage_model\.(transformer|model)|conditioner|image_encoder)"
)


@dataclass(frozen=True)
class PartXRay:
    """One network: how many parameters, in which types, and the configuration that its shapes show."""

    parameters: int
    dtypes: Mapping[str, int]  # type → keys
    config: str


@dataclass(frozen=True)
class XRay:
    """What ``garasu info`` prints."""

    source: str
    size: int  # bytes of all files of weights
    containers: Mapping[str, int]  # kind of file → files
    layout: str = "unknown"
    variant: str = "unknown"
    prediction: str = "unknown"
    tokenizer: str = "none"
    ema: bool = False
    prefixes: Mapping[str, int] = field(default_factory=dict)  # → keys
    parts: Mapping[str, PartXRay] = field(default_factory=dict)
    buffers: int = 0  # keys known not to be weights
    metadata: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()  # keys that nobody can account for
    problems: tuple[str, ...] = ()  # why it would not load

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts, lists, strings and numbers."""
        return asdict(self)

    def __str__(self) -> str:
        """A page of text."""
        return "\n".join(_page(self))


def xray(source: str | Path) -> XRay:
    """Look into a checkpoint file, a folder or a hub name.

    Files that cannot be read are described as far as they can be; the reason is under ``problems``.

    Raises:
        CheckpointError: there is no such file, folder or name.
    """
    try:
        opened = open_source(source)
    except CheckpointError as error:
        if not Path(source).exists():
            raise
        return _broken(Path(source), str(error))
    return _whole(str(source), opened)


def _whole(name: str, source: Source) -> XRay:
    parts = {part: _part(found) for part, found in source.parts.items()}
    configs = {part: config for part, found in source.parts.items() if (config := _config(part, found)) is not None}
    return XRay(
        source=name,
        size=_size(source.files),
        containers=_containers(source.files),
        layout=source.layout,
        variant=source.foreign or _variant(configs.get("unet")),
        prediction=source.prediction or _unsaid(configs.get("unet")),
        tokenizer=_tokenizer(source),
        ema=source.ema,
        prefixes=_census(source),
        parts={part: replace(found, config=str(configs.get(part, ""))) for part, found in parts.items()},
        buffers=len(source.known_extras),
        metadata=_metadata(source),
        unknown=source.unknown,
        problems=tuple(_problems(source)),
    )


def _part(part: Part) -> PartXRay:
    dtypes = Counter(str(tensor.dtype).removeprefix("torch.") for tensor in part.weights.values())
    return PartXRay(sum(tensor.numel() for tensor in part.weights.values()), dict(dtypes), "")


def _config(name: PartName, part: Part) -> Config | None:
    """The configuration, or None where the part is too damaged to have one (``problems`` says why)."""
    try:
        return part_config(name, part)
    except CheckpointError:
        return None


def _problems(source: Source) -> Iterator[str]:
    """Each reason for which reading would refuse it."""
    alone = len(source.parts) == 1 and "unet" not in source.parts
    try:
        if not alone:
            check(source, dict(source.parts))
    except CheckpointError as error:
        yield str(error)
        if source.foreign:
            return
    for name, part in source.parts.items():
        try:
            config = part_config(name, part)
            account(name, blank(config), config, part)
        except CheckpointError as error:
            yield str(error)


def _variant(config: Config | None) -> str:
    if not isinstance(config, UNetConfig):
        return "unknown"
    family = "Stable Diffusion 2.x" if config.linear_projection else "Stable Diffusion 1.x"
    if config.channels != UNetConfig.channels:
        family += " anatomy, smaller" if config.channels < UNetConfig.channels else " anatomy, larger"
    return f"{family}, inpainting" if config.in_channels == 9 else family


def _unsaid(config: Config | None) -> str:
    if not isinstance(config, UNetConfig):
        return "unknown"
    return "not written down; asked of the U-Net when loaded" if config.linear_projection else "epsilon (as all SD 1.x)"


def _tokenizer(source: Source) -> str:
    if "text_encoder" not in source.parts:
        return "none"
    return "its own" if source.tokenizer is not None else "none of its own: CLIP's"


def _census(source: Source) -> dict[str, int]:
    """Keys by prefix: of a folder by part, of a file by what stands before the network's own names."""
    if source.path.is_dir():
        return {f"{name}/": len(part.weights) for name, part in source.parts.items()}
    return _counted(_keys(source.path))


def _counted(keys: Iterable[str]) -> dict[str, int]:
    counts = Counter(match[0] + "." if (match := PREFIXES.match(key)) else "(none)" for key in keys)
    return dict(sorted(counts.items()))


def _keys(path: Path) -> Iterable[str]:
    return safetensors_file.read_header(path).entries if container(path) == "safetensors" else read_tensors(path)


def _metadata(source: Source) -> Mapping[str, str]:
    if source.path.is_dir() or container(source.path) != "safetensors":
        return {}
    return safetensors_file.read_header(source.path).metadata


def _broken(path: Path, problem: str) -> XRay:
    """What cannot be opened, described from names, first bytes and, if that is whole, the header."""
    files = [path] if path.is_file() else _files_below(path)
    found = XRay(str(path), _size(files), _containers(files), problems=(problem,))
    if files != [path] or container(path) != "safetensors":
        return found
    try:
        header = safetensors_file.read_header(path)
    except CheckpointError:
        return found  # said already, by the same words
    variant = kinds.foreign(header.entries) or "unknown"
    return replace(found, prefixes=_counted(header.entries), metadata=header.metadata, variant=variant)


def _files_below(path: Path) -> list[Path]:
    suffixes = {".safetensors", ".bin", ".ckpt", ".pt"}
    return sorted(file for file in path.rglob("*") if file.suffix in suffixes and file.is_file())


def _containers(files: list[Path] | tuple[Path, ...]) -> dict[str, int]:
    return dict(Counter(container(file) for file in files))


def _size(files: list[Path] | tuple[Path, ...]) -> int:
    return sum(file.stat().st_size for file in files)


def _page(x: XRay) -> Iterator[str]:
    yield x.source
    files = ", ".join(f"{count} × {kind}" for kind, count in x.containers.items()) or "no weights"
    rows: list[tuple[str, str]] = [
        ("layout", x.layout),
        ("files", f"{files}, {x.size / 1e6:,.1f} MB"),
        ("variant", x.variant),
        ("prediction", x.prediction),
        ("tokenizer", x.tokenizer),
        ("EMA", "yes, model_ema.* (read with ema=True)" if x.ema else "no"),
        *((f"keys {prefix}", str(count)) for prefix, count in x.prefixes.items()),
    ]
    for name, part in x.parts.items():
        dtypes = ", ".join(f"{dtype} ({count} keys)" for dtype, count in part.dtypes.items())
        rows.append((name, f"{part.parameters / 1e6:,.2f} M parameters, {dtypes}"))
        rows += [("", part.config)] if part.config else []
    rows += [("buffers", f"{x.buffers} keys, not weights")] if x.buffers else []
    rows += [("metadata", f"{key}: {text[:80]}") for key, text in x.metadata.items()]
    rows.append(("unknown keys", listed(x.unknown) if x.unknown else "none"))
    rows += [("PROBLEM", problem) for problem in x.problems] or [("problems", "none: garasu reads it")]
    width = max(len(label) for label, _ in rows)
    yield from (f"  {label:<{width}}  {text}" for label, text in rows)
