"""Signs of directions: given by the data, and not by the last bits."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from replicator.models.directions import with_fixed_signs


@given(arrays(np.float64, (5, 3), elements=st.floats(-1, 1)), arrays(np.float64, (3,), elements=st.sampled_from([-1.0, 1.0])))
def test_signs_do_not_depend_on_those_given(directions: np.ndarray, signs: np.ndarray) -> None:
    """Turned or not, the result is the same, and no direction is lost."""
    fixed = with_fixed_signs(directions)
    np.testing.assert_array_equal(fixed, with_fixed_signs(directions * signs))
    np.testing.assert_array_equal(np.abs(fixed), np.abs(directions))


@given(st.floats(-1e-12, 1e-12), st.sampled_from([-1.0, 1.0]))
def test_last_bits_do_not_decide_between_opposites(noise: float, sign: float) -> None:
    """Two elements that are equal but for their sign and the last bits."""
    direction = sign * np.array([[0.01], [-0.7 + noise], [0.7]])
    assert with_fixed_signs(direction)[1, 0] > 0
