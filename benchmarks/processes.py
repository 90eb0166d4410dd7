"""Workers as their parent sees them: started, asked, waited for, ended."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class WorkerError(RuntimeError):
    """A worker that answered with an error; or, `final`, that ended or did not answer in time."""

    def __init__(self, why: str, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


@dataclass(frozen=True)
class Place:
    """Where and on what workers measure."""

    folder: Path  # of the model
    cache: Path  # of what peers convert it to
    size: str
    device: str


class Process:
    """The process of one subject. Use as a context manager: it is ended on the way out."""

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.asked = self.ended = False
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in end)
        self.started_at = time.time()
        command = [sys.executable, "-m", "benchmarks.worker", name, *map(str, astuple(place))]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def send(self, task: dict[str, Any]) -> None:
        """Ask, without waiting. That a process has ended shows when it is waited for."""
        assert self.process.stdin
        self.asked = True
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()

    def receive(self, deadline: float) -> dict[str, Any]:
        """The answer. Raises WorkerError for an error, an end, or none by `deadline` (of `time.monotonic`)."""
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, min(deadline - time.monotonic(), 1e6))):
                raise WorkerError("not finished within the budget", final=True)
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(self.last_words(), final=True)
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def ask(self, task: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Ask and wait."""
        self.send(task)
        return self.receive(deadline)

    def last_words(self) -> str:
        """How it ended."""
        code = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return f"ended with code {code}: {lines[-1] if lines else 'without a word'}"

    def end(self) -> None:
        """Close its input, at which it leaves; kill it if it does not."""
        self.ended = True
        assert self.process.stdin
        assert self.process.stdout
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


def environment() -> dict[str, str]:
    """Ours, without the network and with this repository's packages first."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
