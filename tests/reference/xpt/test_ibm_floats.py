"""IBM System/360 floats against published values and against the format's own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.tables.ibm_floats import LARGEST, SMALLEST, from_ibm, outside_range, to_ibm

PUBLISHED = [
    # IBM System/360 Principles of Operation (A22-6821), floating-point number representation: 1, 0.5, 1/64, -15
    (1.0, "4110000000000000"),
    (0.5, "4080000000000000"),
    (1 / 64, "3F40000000000000"),
    (-15.0, "C1F0000000000000"),
    (0.0, "0000000000000000"),
    # the example of the English Wikipedia's "IBM hexadecimal floating-point": -118.625
    (-118.625, "C276A00000000000"),
    # pi = 3.243F6A8885A308D... in hexadecimal, rounded to the 53 bits of a float64
    (np.pi, "413243F6A8885A30"),
    # the largest and smallest powers of 16 in range
    (16.0**62, "7F10000000000000"),
    (16.0**-65, "0010000000000000"),
]


@pytest.mark.parametrize(("value", "code"), PUBLISHED)
def test_published_values(value: float, code: str) -> None:
    assert to_ibm(np.array([value])).tobytes().hex().upper() == code
    decoded, n_special = from_ibm(np.frombuffer(bytes.fromhex(code), np.uint8).reshape(1, 8))
    assert (decoded.tolist(), n_special) == ([value], 0)


@pytest.mark.parametrize(("code", "special"), [("2E00", 0), ("4100", 1), ("5A00", 1), ("5F00", 1)])
def test_missing_values(code: str, special: int) -> None:
    """TS-140: missing is '.', special missing are '_' and 'A' to 'Z', followed by zeros."""
    values, n_special = from_ibm(np.frombuffer(bytes.fromhex(code.ljust(16, "0")), np.uint8).reshape(1, 8))
    assert np.isnan(values).all()
    assert n_special == special
    assert to_ibm(np.array([np.nan])).tobytes() == b"." + bytes(7)


def test_short_fields_hold_the_leading_bytes() -> None:
    values, _ = from_ibm(to_ibm(np.array([1.0, -15.0]))[:, :3])
    assert values.tolist() == [1.0, -15.0]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), max_size=20))
def test_every_number_in_range_comes_back_exactly(values: list[float]) -> None:
    numbers = np.array(values, dtype=np.float64)
    numbers = numbers[~outside_range(numbers)]
    back, n_special = from_ibm(to_ibm(numbers))
    np.testing.assert_array_equal(back, numbers)
    assert n_special == 0


def test_the_bounds_are_the_bounds() -> None:
    edge = np.array([LARGEST, -LARGEST, SMALLEST, 0.0])
    assert not outside_range(edge).any()
    np.testing.assert_array_equal(from_ibm(to_ibm(edge))[0], edge)
    assert outside_range(np.array([np.nextafter(LARGEST, np.inf), np.nextafter(SMALLEST, 0), np.inf, -np.inf])).all()
