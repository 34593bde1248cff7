"""Where arms stand on the scale of doses: what is given to an arm is the trial's design, and results may rise or fall along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.source import Source
from replicator.tables.dataset import Numbers

EXPOSURE = ("EX", "EC")


def arm_doses(source: Source) -> NDArray[np.float64]:
    r"""Place each arm by the dose that its subjects usually get.

    Returns
    -------
    (n_arms,) float64
        :math:`\log(1 + d / d_{min})`, where *d* is the median over the arm's subjects of each one's median EXDOSE (ECDOSE where
        there is no EX), and :math:`d_{min}` the lowest above 0; NaN for arms without a dose.
    """
    spine = source.spine
    dose = np.full(len(spine.arms), np.nan)
    for name in EXPOSURE:
        dataset = source.datasets.get(name)
        column = dataset.columns.get(f"{name}DOSE") if dataset is not None else None
        if not isinstance(column, Numbers) or not np.isfinite(column.values).any():
            continue
        given = np.isfinite(column.values)
        usual, who = _medians(column.values[given], source.subject[name][given])
        dose_of_arm, arm = _medians(usual, spine.arm[who])
        dose[arm] = np.maximum(dose_of_arm, 0.0)
        break
    positive = dose[dose > 0]
    return np.log1p(dose / positive.min()) if len(positive) else dose


def _medians(values: NDArray[np.float64], group: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Median of each group that occurs, and the groups."""
    order = np.lexsort((values, group))
    present, start, size = np.unique(group[order], return_index=True, return_counts=True)
    ordered = values[order]
    return (ordered[start + (size - 1) // 2] + ordered[start + size // 2]) / 2, present.astype(np.intp)
