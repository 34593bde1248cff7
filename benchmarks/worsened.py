"""Samples of known quality: a study whose subjects, values, arms or visits were spoilt in one known way.

Each function takes and returns the frames of a study by name, so that ways can be put one upon the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

import replicator as rp

Frames = Mapping[str, pd.DataFrame]
Worsen = Callable[[Frames, np.random.Generator], dict[str, pd.DataFrame]]

SUBJECT = "USUBJID"
NOT_VALUES = (SUBJECT, "STUDYID", "DOMAIN", "RDOMAIN", "SUBJID", "IDVAR", "IDVARVAL")


def frames_of(study: rp.Study) -> dict[str, pd.DataFrame]:
    """Frames of all datasets."""
    return {name: dataset.to_frame() for name, dataset in study.datasets.items()}


def study_of(study: rp.Study, frames: Frames) -> rp.Study:
    """Put frames in the place of a study's datasets."""
    return study.with_datasets(
        [
            one if one.name not in frames else rp.Dataset.from_frame(one.name, frames[one.name], one.label)
            for one in study.datasets.values()
        ]
    )


def shuffled(share: float) -> Worsen:
    """Permute a share of the values of every column among the rows of its dataset; with 1.0 columns are independent."""

    def worsen(frames: Frames, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
        return {name: _permute(frame, share, rng) for name, frame in frames.items()}

    return worsen


def _permute(frame: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    if SUBJECT not in frame:
        return frame
    columns = {}
    for column in frame.columns:
        order = np.arange(len(frame))
        if column not in NOT_VALUES and not column.endswith("SEQ"):
            some = np.flatnonzero(rng.random(len(frame)) < share)
            order[some] = rng.permutation(some)
        columns[column] = frame[column].take(order).set_axis(frame.index)
    return pd.DataFrame(columns)


def bootstrapped(frames: Frames, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Draw as many subjects with replacement; a subject that is drawn again gets another identifier."""
    subjects = frames["DM"][SUBJECT].to_numpy(object)
    drawn = pd.DataFrame({SUBJECT: rng.choice(subjects, len(subjects))})
    drawn["again"] = drawn.groupby(SUBJECT).cumcount()
    found = {}
    for name, frame in frames.items():
        if SUBJECT not in frame:
            found[name] = frame
            continue
        rows = drawn.merge(frame, on=SUBJECT, how="inner")
        rows[SUBJECT] = rows[SUBJECT] + np.where(rows["again"] > 0, "-" + rows["again"].astype(str), "")
        found[name] = rows[list(frame.columns)]
    return found


def recombined(frames: Frames, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Give each dataset's rows to other subjects, another exchange in each: within a dataset all is as it was."""
    subjects = frames["DM"][SUBJECT].to_numpy(object)
    found = dict(frames)
    for name, frame in frames.items():
        if SUBJECT in frame and name != "DM":
            exchange = dict(zip(subjects, rng.permutation(subjects), strict=True))
            found[name] = frame.assign(**{SUBJECT: frame[SUBJECT].map(exchange)})
    return found


def noisy(spread: float) -> Worsen:
    """Add normal noise to the numeric results of every test, in shares of the test's standard deviation."""

    def worsen(frames: Frames, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
        found = dict(frames)
        for name, frame in frames.items():
            test, result = f"{name[:2]}TESTCD", f"{name[:2]}STRESN"
            if test in frame and result in frame:
                sd = frame.groupby(test)[result].transform("std").fillna(0.0)
                values = frame[result] + spread * sd * rng.normal(size=len(frame))
                found[name] = frame.assign(**{result: values.round(3)})
        return found

    return worsen


def arms_exchanged(frames: Frames, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Give subjects the arm of another one, in demography alone."""
    dm = frames["DM"]
    arms = [column for column in ("ARM", "ARMCD", "ACTARM", "ACTARMCD") if column in dm]
    order = rng.permutation(len(dm))
    return dict(frames) | {"DM": dm.assign(**{column: dm[column].take(order).set_axis(dm.index) for column in arms})}


def visits_dropped(share: float) -> Worsen:
    """Leave out a share of all visits of all subjects, with all their rows."""

    def worsen(frames: Frames, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
        seen = frames["SV"][[SUBJECT, "VISITNUM"]].drop_duplicates()
        gone = pd.MultiIndex.from_frame(seen[rng.random(len(seen)) < share])
        found = {}
        for name, frame in frames.items():
            keys = {SUBJECT, "VISITNUM"} <= set(frame.columns)
            rows = pd.MultiIndex.from_frame(frame[[SUBJECT, "VISITNUM"]]).isin(gone) if keys else np.zeros(len(frame), bool)
            found[name] = frame[~rows]
        return found

    return worsen
