"""Arrays as parts of a container: NumPy's format 1.0, numbers and truth values only; read without trust."""

from __future__ import annotations

import io
import math
import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.errors import ArtifactError
from replicator.study_model.artifact.state import DTYPES

HEADER = re.compile(
    rb"\{'descr': '(?P<descr>[<|][a-z]\d)', 'fortran_order': False, "
    rb"'shape': \((?P<shape>|\d{1,10},|\d{1,10}(?:, \d{1,10}){1,7})\),? ?\} *\n?\Z"
)
MAGIC = b"\x93NUMPY\x01\x00"


def array_bytes(array: NDArray[Any]) -> bytes:
    """Write an array in NumPy's format 1.0, little-endian, C order."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def parse_array(content: bytes, shown: str, name: str) -> NDArray[Any]:
    """Read an array in NumPy's format 1.0; nothing but numbers and truth values, and exactly as many as the header says.

    Raises
    ------
    ArtifactError
        If it holds objects (pickles), another order or type, or more or fewer bytes than it says.
    """
    try:
        if not content.startswith(MAGIC):
            raise ValueError("no array of NumPy's format 1.0")
        (length,) = struct.unpack_from("<H", content, len(MAGIC))
        start = len(MAGIC) + 2 + length
        header = HEADER.match(content[len(MAGIC) + 2 : start])
        if header is None or header["descr"].decode() not in DTYPES:
            raise ValueError("an array of objects, or of a type or order that models do not hold")
        shape = [int(n) for n in header["shape"].split(b",") if n.strip()]
        dtype = np.dtype(header["descr"].decode())
        if math.prod(shape) * dtype.itemsize != len(content) - start:
            raise ValueError("another size than the header says")
        if dtype.kind == "b" and len(content) > start and max(content[start:]) > 1:
            raise ValueError("truth values that are neither 0 nor 1")
        return np.frombuffer(content, dtype, offset=start).reshape(shape).copy()
    except (ValueError, MemoryError, struct.error) as error:
        raise ArtifactError(f"{shown}: {name} is no safe array ({str(error)[:100]}); do not trust this file.") from error
