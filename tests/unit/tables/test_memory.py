"""Memory that is not needed any more goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import numpy as np
from replicator.tables.memory import give_back

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

kept = [np.ones(12_000) for _ in range(4_000)]
top = np.ones(12_000)
full = resident()
del kept
freed = resident()
give_back()
print(full, freed, resident())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell what a process holds")
def test_what_is_free_goes_back() -> None:
    """Of 384 MB in small arrays below one that stays, nearly all are given back."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    full, freed, after = map(int, done.stdout.split())
    assert after <= freed
    assert full - after > 300e6
