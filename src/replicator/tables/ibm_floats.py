"""Numbers of SAS transport files: IBM System/360 double-precision floats, and SAS's missing values.

Notes
-----
A number is ``(-1)**sign * fraction * 16**(exponent - 64)``: 1 bit of sign, 7 of exponent and 56 of a fraction in [1/16, 1).
Every float64 in range fits exactly, since 53 bits and up to 3 leading zeros need no more. Shorter fields hold the leading bytes.
Missing is the byte ``.``, ``_`` or ``A`` to ``Z``, and zeros.

References
----------
SAS Institute, TS-140: The Record Layout of a Data Set in SAS Transport (XPORT) Format.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MISSING_CODES = np.array([*b"._", *range(ord("A"), ord("Z") + 1)], dtype=np.uint8)
LARGEST = 16.0**63 * (1 - 2.0**-53)  # largest float64 below 16**63
SMALLEST = 16.0**-65


def from_ibm(data: NDArray[np.uint8]) -> tuple[NDArray[np.float64], int]:
    """Decode numbers.

    Parameters
    ----------
    data : (n, width) uint8
        Fields of 2 to 8 bytes.

    Returns
    -------
    (n,) float64
        NaN where missing. A fraction of more than 53 bits, which SAS never writes, is rounded to the nearest.
    int
        Number of special missing values (``.A`` to ``.Z``, ``._``), which are read as missing like any other.
    """
    n, width = data.shape
    padded = np.zeros((n, 8), dtype=np.uint8)
    padded[:, :width] = data
    bits = padded.view(">u8").reshape(n).astype(np.uint64)
    fraction = bits & np.uint64(0x00FFFFFFFFFFFFFF)
    exponent = ((bits >> np.uint64(56)) & np.uint64(0x7F)).astype(np.int32)
    values = np.ldexp(fraction.astype(np.float64), 4 * (exponent - 64) - 56)
    np.negative(values, out=values, where=(bits >> np.uint64(63)).astype(bool))
    missing = (fraction == 0) & np.isin(padded[:, 0], _MISSING_CODES)
    values[missing] = np.nan
    return values, int((missing & (padded[:, 0] != ord("."))).sum())


def to_ibm(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Encode numbers as (n, 8) uint8; NaN becomes ``.``; the inverse of :func:`from_ibm`.

    Finite numbers must lie in the range of the format, see :func:`outside_range`.
    """
    missing = np.isnan(values)
    mantissa, exponent = np.frexp(np.where(missing, 0.0, np.abs(values)))
    hexponent = -(-exponent // 4)  # ceiling: the power of 16
    whole = np.ldexp(mantissa, 53).astype(np.uint64)
    fraction = whole << (3 - (4 * hexponent - exponent)).astype(np.uint64)
    bits = (
        fraction | ((hexponent + 64).astype(np.uint64) << np.uint64(56)) | (np.signbit(values).astype(np.uint64) << np.uint64(63))
    )
    bits[whole == 0] = 0
    bits[missing] = np.uint64(ord(".")) << np.uint64(56)
    return np.frombuffer(bits.astype(">u8").tobytes(), np.uint8).reshape(len(values), 8)


def outside_range(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) mask of numbers that the format cannot hold: infinite, above 7.2e75 or, not being 0, below 5.4e-79."""
    size = np.abs(values)
    return (size > LARGEST) | ((size < SMALLEST) & (size > 0))
