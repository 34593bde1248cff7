"""Memory that is not needed any more goes back to the system."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Let the allocators of Arrow and of the C library return what they keep of memory that was freed.

    What they keep of reading a study is more than the study; what is learned afterwards would come on top of it.

    Notes
    -----
    The GNU C library returns only what lies above all that is in use, unless it is told to look everywhere (``malloc_trim``, in its
    manual under *Freeing Memory Allocated with malloc*). Other libraries do not have the function and need none.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
