"""Speed: what makes the same networks compute faster on this machine, in one place that the networks do not know.

A choice is one small named thing with a reason: a faster class in a plain one's place, a layout of memory, a recorded
run. `choices` makes them from a probe of the machine, `install` puts them into networks, `--engine plain` does without.
"""

from garasu.engine.choices import PLAIN, Choice, Engine, EngineError, choose
from garasu.engine.install import install, run_by
from garasu.engine.machine import Machine, this_machine
from garasu.engine.offload import Residence, Visiting
from garasu.engine.process import own_process

__all__ = [
    "PLAIN",
    "Choice",
    "Engine",
    "EngineError",
    "Machine",
    "Residence",
    "Visiting",
    "choose",
    "install",
    "own_process",
    "run_by",
    "this_machine",
]
