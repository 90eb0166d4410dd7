"""Checkpoints by their name on the Hugging Face hub: ``org/name``, or ``org/name/file.safetensors``.

What is in the local cache already is used without asking the network. Of a repository only what is needed is
fetched: one variant of each part, no pictures, no safety checker. The library is imported only when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from garasu.checkpoints import folder
from garasu.checkpoints.errors import CheckpointError, listed

NAME = re.compile(r"(?P<repository>\w[\w.-]*/[\w.-]+)(/(?P<file>.+\.(safetensors|ckpt|pt|bin)))?")
HINT = "connect, or name a file or folder on this machine"
NEEDED = ("unet", "vae", "text_encoder")
SMALL = r"(model_index\.json|config\.json|(unet|vae|text_encoder|image_encoder|tokenizer|scheduler)/[^/]+\.(json|txt))"


def is_name(source: str) -> bool:
    """Whether this could be a name on the hub."""
    return NAME.fullmatch(source) is not None


def checkpoint(name: str, *, variant: str | None = None) -> Path:
    """The folder or file of a checkpoint on the hub, fetched if it is not in the cache yet.

    Raises:
        CheckpointError: no such repository, nothing there that garasu reads, or no connection.
    """
    match = NAME.fullmatch(name)
    assert match is not None
    repository, file = match["repository"], match["file"]
    if file:
        return fetch(repository, [file]) / file
    cached = _cached(repository)
    if cached is not None and _complete(cached, variant):
        return cached
    wanted = list(_wanted(_files(repository), variant))
    if not any(path.endswith((".safetensors", ".bin")) for path in wanted):
        raise CheckpointError(
            f"The hub's {name} holds no diffusers folder; if it has a single file, name that: {name}/FILE.safetensors."
        )
    return fetch(repository, wanted)


def fetch(repository: str, files: Iterable[str], *, hint: str = HINT) -> Path:
    """The local folder that holds these files of a repository.

    Raises:
        CheckpointError: one of them is neither cached nor to be had now; the message ends with ``hint``.
    """
    from huggingface_hub import snapshot_download

    files = list(files)
    cached = _cached(repository)
    if cached is not None and all((cached / file).is_file() for file in files):
        return cached
    try:
        found = Path(snapshot_download(repository, allow_patterns=files))
    except _failures() as error:
        raise CheckpointError(_sentence(repository, error, hint)) from error
    if absent := [file for file in files if "*" not in file and not (found / file).is_file()]:
        raise CheckpointError(f"The hub's {repository} lacks {listed(absent)}: look at its list of files.")
    return found


def _files(repository: str) -> list[str]:
    from huggingface_hub import HfApi

    try:
        files = HfApi().model_info(repository).siblings or []  # list_repo_files would retry for half a minute offline
    except _failures() as error:
        raise CheckpointError(_sentence(repository, error, HINT)) from error
    return [file.rfilename for file in files]


def _cached(repository: str) -> Path | None:
    """The cached folder of a repository, however much of it is there; asking for no file asks for no more."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=[], local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _complete(path: Path, variant: str | None) -> bool:
    """Whether a cached folder has the weights of every part; an interrupted download has not."""
    parts = [path / part for part in NEEDED if (path / part).is_dir()]
    if not parts and (path / "config.json").is_file():
        parts = [path]  # one part alone, such as a VAE
    elif len(parts) < len(NEEDED):
        return False
    try:
        return all(folder.weight_files(part, variant) for part in parts)
    except CheckpointError:
        return False


def _wanted(files: list[str], variant: str | None) -> Iterator[str]:
    """The small files, and for each part the weights that reading its folder would choose."""
    yield from (file for file in files if re.fullmatch(SMALL, file))
    has_parts = any(file.startswith("unet/") for file in files)
    for part in folder.PARTS if has_parts else ("",):
        here = f"{part}/" if part else ""
        names = {file.removeprefix(here) for file in files if file.startswith(here)}
        name = folder.chosen({name for name in names if "/" not in name}, variant)
        if name is not None and name.endswith(".json"):
            stem, suffix = name.split(".")[:2]
            yield f"{here}{name}"
            yield f"{here}{stem}*-of-*.{suffix}"
        elif name is not None:
            yield f"{here}{name}"


def _failures() -> tuple[type[Exception], ...]:
    """What fetching raises when the name or the network is at fault.

    The library changed its HTTP client twice; the base class of its own HTTP error is that client's.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    return OSError, *HfHubHTTPError.__bases__, HFValidationError


def _sentence(repository: str, error: Exception, hint: str) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return f"The hub's {repository} asks for consent: accept its terms on its page, then `hf auth login`."
    if isinstance(error, RepositoryNotFoundError):
        return f"There is no file, folder or hub repository {repository}: check the spelling."
    return f"{repository} is not on this machine and the hub cannot be reached: {hint}."
