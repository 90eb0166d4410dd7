"""Names on the hub, against a hub of our own on this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch

from garasu.checkpoints import CheckpointError, hub, read, read_vae

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """As much of the hub's protocol as fetching a public repository takes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fetched: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, send=True)

            def do_HEAD(self) -> None:
                outer.answer(self, send=False)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, *, send: bool) -> None:
        words = request.path.partition("?")[0].strip("/").split("/")
        if words[:2] == ["api", "models"] and (self.root / words[2] / words[3]).is_dir():
            self._describe(request, words, send)
        elif "resolve" in words and (self.root.joinpath(*words[:2], *words[4:])).is_file():
            self._file(request, words, send)
        else:
            self._reply(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"}, send)

    def _describe(self, request: BaseHTTPRequestHandler, words: list[str], send: bool) -> None:
        root = self.root / words[2] / words[3]
        files = sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())
        if "tree" in words:
            listing: Any = [
                {"type": "file", "path": name, "size": (root / name).stat().st_size, "oid": _oid(root / name)}
                for name in files
            ]
        else:
            siblings = [{"rfilename": name} for name in files]
            listing = {"id": "/".join(words[2:4]), "sha": COMMIT, "siblings": siblings, "tags": []}
        self._reply(request, 200, json.dumps(listing).encode(), {"Content-Type": "application/json"}, send)

    def _file(self, request: BaseHTTPRequestHandler, words: list[str], send: bool) -> None:
        path = self.root.joinpath(*words[:2], *words[4:])
        if send:
            self.fetched.append("/".join(words[4:]))
        headers = {"ETag": f'"{_oid(path)}"', "X-Repo-Commit": COMMIT}
        self._reply(request, 200, path.read_bytes(), headers, send)

    def _reply(
        self, request: BaseHTTPRequestHandler, code: int, body: bytes, headers: dict[str, str], send: bool
    ) -> None:
        request.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        if send:
            request.wfile.write(body)


def _oid(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


@pytest.fixture
def our_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = Hub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.address)
    template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    yield served
    served.server.shutdown()


def test_a_repository_is_fetched_once_and_only_what_is_needed(our_hub: Hub, sd1_folder: Path) -> None:
    home = our_hub.root / "someone" / "model"
    shutil.copytree(sd1_folder, home)
    weights = home / "unet" / "diffusion_pytorch_model.safetensors"
    shutil.copy(weights, weights.with_name("diffusion_pytorch_model.fp16.safetensors"))
    (home / "safety_checker").mkdir()
    (home / "safety_checker" / "model.safetensors").write_bytes(b"large")
    (home / "picture.png").write_bytes(b"large")
    checkpoint = read("someone/model")
    assert checkpoint.name == "model"
    assert torch.equal(checkpoint.unet.conv_in.bias, read(sd1_folder).unet.conv_in.bias)
    assert "unet/diffusion_pytorch_model.safetensors" in our_hub.fetched
    unwanted = ("fp16", "safety", "png")
    assert not [name for name in our_hub.fetched if any(word in name for word in unwanted)]
    our_hub.fetched.clear()
    our_hub.server.shutdown()
    our_hub.server.server_close()
    assert read("someone/model").name == "model"  # from the cache, the hub being gone
    assert our_hub.fetched == []


def test_a_single_file_of_a_repository(our_hub: Hub, sd1_file: Path) -> None:
    home = our_hub.root / "someone" / "files"
    home.mkdir(parents=True)
    shutil.copy(sd1_file, home / "tiny.safetensors")
    with pytest.raises(CheckpointError, match=r"name that: someone/files/FILE\.safetensors"):
        read("someone/files")
    assert read("someone/files/tiny.safetensors").name == "tiny"


def test_a_vae_of_a_repository(our_hub: Hub, sd1_folder: Path) -> None:
    shutil.copytree(sd1_folder / "vae", our_hub.root / "someone" / "vae")
    expected = read_vae(sd1_folder).state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in read_vae("someone/vae").state_dict().items())


def test_a_repository_that_is_not_there(our_hub: Hub) -> None:
    with pytest.raises(CheckpointError, match="no file, folder or hub repository someone/nothing"):
        read("someone/nothing")


def test_without_a_connection(our_hub: Hub) -> None:
    our_hub.server.shutdown()
    our_hub.server.server_close()
    with pytest.raises(
        CheckpointError, match="someone/model is not on this machine and the hub cannot be reached"
    ) as e:
        read("someone/model")
    assert "\n" not in str(e.value)


def test_an_interrupted_download_is_not_taken_for_whole(our_hub: Hub, sd1_folder: Path) -> None:
    home = our_hub.root / "someone" / "model"
    shutil.copytree(sd1_folder, home)
    hub.fetch("someone/model", ["model_index.json", "unet/config.json"])
    assert read("someone/model").name == "model"


@pytest.mark.parametrize("name", ["org/name", "org/name/a.safetensors", "o.r-g/n_a.me/sub/b.ckpt"])
def test_names(name: str) -> None:
    assert hub.is_name(name)


@pytest.mark.parametrize("name", ["name", "/org/name", "a/b/c", "./org/name", "org/", "~/org/name", "a b/c", "../a"])
def test_what_is_no_name(name: str) -> None:
    assert not hub.is_name(name)
