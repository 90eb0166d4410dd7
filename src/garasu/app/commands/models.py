"""garasu info: what is inside a checkpoint, and what this machine computes with."""

from typing import Annotated

from cyclopts import Parameter

from garasu.app.failures import REFUSED


def info(
    model: str | None = None,
    *,
    machine: Annotated[
        bool, Parameter(help="Show what this machine is good for and which ways to be faster are taken.", negative="")
    ] = False,
    device: Annotated[str, Parameter(help="With --machine: auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    dtype: Annotated[str, Parameter(help="With --machine: auto, float32, bfloat16 or float16.")] = "auto",
    engine: Annotated[str, Parameter(help="With --machine: as of the commands that make pictures.")] = "auto",
) -> int:
    """X-ray a checkpoint: layout, variant, keys, dtypes, parameters of each part, anything unknown.

    The exit code is 2 when the checkpoint would not load; the last lines say why.

    Parameters
    ----------
    model
        A checkpoint file, a folder or a hub id.
    """
    if machine == (model is not None):
        raise ValueError("say what to look at: a checkpoint, or --machine")
    if machine:
        print(describe(device, dtype, engine))
        return 0
    from garasu.checkpoints import xray

    found = xray(model or "")
    print(found)
    return REFUSED if found.problems else 0


def describe(device: str, dtype: str, engine: str) -> str:
    """The machine, and an engine's choices on it, a line each."""
    from garasu.engine import choose, this_machine
    from garasu.hardware import choose_device, choose_dtype, processor

    chosen = choose_device(device)
    form = choose_dtype(dtype, chosen)
    here = this_machine()
    quota = "" if here.quota is None else f", {here.quota:g} granted"
    lines = [
        f"device     {chosen}: {processor(chosen)}",
        f"dtype      {str(form).removeprefix('torch.')}",
        f"cores      {here.cores}{quota}: {here.threads} threads",
        f"bfloat16   {'in the CPU' if here.bfloat16 else 'not in the CPU'}",
        f"engine     {engine}",
    ]
    return "\n".join([*lines, *(f"  {choice}" for choice in choose(engine, chosen, form).choices)])
