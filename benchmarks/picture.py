"""How long a picture takes on this machine, with the bundled model: `make bench`.

Two numbers a user feels: from the command to the saved file in a fresh process, and one more picture once the model
is loaded, with its parts. Medians and extremes of several runs; nothing else should be running.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

import garasu

PROMPT = "a black cat with yellow eyes"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured (default 5)")
    parser.add_argument("--steps", type=int, default=25, help="sampler steps (default 25)")
    options = parser.parse_args()
    sd = garasu.load()
    print(f"{machine()}\n{sd.name}, {sd.native_size[0]}×{sd.native_size[1]}, {sd.device}, {sd.dtype}, DDIM, guided\n")
    words, negative = sd.encode(PROMPT), sd.encode("")

    def sample() -> torch.Tensor:
        *_, last = sd.sample(words, negative=negative, steps=options.steps, seed=7)
        return last.latent

    latent = sample()  # the first run also warms up
    report("command to saved file, fresh process", timed(lambda: cold_start(options.steps), options.runs))
    report("encode the prompt", timed(lambda: sd.encode(PROMPT), options.runs))
    report(f"{options.steps} steps", timed(sample, options.runs))
    report("decode", timed(lambda: sd.decode(latent), options.runs))
    report("one more picture", timed(lambda: garasu.txt2img(sd, PROMPT, steps=options.steps, seed=7), options.runs))


def cold_start(steps: int) -> None:
    """The command, as a user types it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).with_name("garasu"), "txt2img", PROMPT, "--seed", "7", "--steps", str(steps)]
        subprocess.run([*command, "-o", Path(folder) / "cat.png"], check=True, capture_output=True)


def timed(work: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def report(what: str, seconds: list[float]) -> None:
    """One line: median, and the spread."""
    print(f"{what:38} {statistics.median(seconds):7.3f} s   ({min(seconds):.3f} to {max(seconds):.3f})")


def machine() -> str:
    """What it was measured on."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    threads = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads{load}"
    return f"{platform.platform()}, {threads}, Python {platform.python_version()}, torch {torch.__version__}"


if __name__ == "__main__":
    main()
