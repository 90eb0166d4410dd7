import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys
from garasu.engine.process import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
size = 256 << 20
def resident():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
before = resident()
block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(size)))
ctypes.memset(block, 1, size)
libc.free(block)
print(resident() - before)
"""


def resident_after_freeing(how: str) -> float:
    """MiB that a process still holds after it has freed 256."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measured as Linux tells it")
def test_freed_memory_is_kept_for_the_next_tensor():
    assert resident_after_freeing("as usual") < 128
    assert resident_after_freeing("keep") > 192
