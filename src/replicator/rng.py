"""Named, independent random streams from one seed.

A stream is found by its path (a domain, a chunk number), not by the order of calls: a new domain does not change the
numbers of the others, and chunk 17 can be drawn alone, by any worker.
"""

import hashlib

import numpy as np


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """Return the generator that belongs to `seed` and `path`.

    Parameters
    ----------
    seed : int
        Any non-negative integer.
    *path : str or int
        Names and numbers that single out the stream, for example ``("LB", 17)``.

    Examples
    --------
    >>> bool(stream(7, "LB", 0).random() == stream(7, "LB", 0).random())
    True
    >>> bool(stream(7, "LB", 0).random() == stream(7, "LB", 1).random())
    False
    """
    name = "\x1f".join(f"{type(step).__name__}:{step}" for step in path)
    digest = hashlib.sha256(name.encode()).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
