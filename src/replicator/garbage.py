"""Garbage in circles, which Python looks for whenever much was made: needless while all that is made stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Do not look for garbage meanwhile, as when modules or models are loaded: tens of thousands of objects, all of them needed."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def all_kept() -> Iterator[None]:
    """Pass over what there is by now whenever garbage is looked for meanwhile, as all of it is needed."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
