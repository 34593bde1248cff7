"""Random studies for hypothesis, each built of a blueprint with known truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from replicator.tables.dataset import Dataset, Study

from .blueprint import Blueprint, Cohort
from .observation_tables import (
    adverse_events,
    clinical_events,
    criteria,
    history,
    laboratory,
    medication,
    questions,
    relations,
    supplement,
    vital_signs,
)
from .subject_tables import demography, disposition, elements, exposure, subject_visits

START = np.datetime64("2021-03-01")
UNIQUE_NUMBER = 8765.4321


def blueprints(least: int = 1, most: int = 30) -> st.SearchStrategy[Blueprint]:
    """Small studies of one to three arms."""

    def build(n: int, seed: int, arms: int, share: float, days: list[int], unique: bool) -> Blueprint:
        return Blueprint(
            n=n,
            seed=seed,
            female=(share,) * arms,
            leave=(share / 2,) * arms,
            visits=(-7, 1, *sorted(days)),
            dose=(0.0, 50.0, 100.0)[:arms],
            shift=(0.0, -5.0, -15.0)[:arms],
            rash=(share, 0.5, 0.9)[:arms],
            unique=unique,
        )

    return st.builds(
        build,
        st.integers(least, most),
        st.integers(0, 10_000),
        st.integers(1, 3),
        st.floats(0, 1),
        st.lists(st.integers(8, 120), min_size=0, max_size=4, unique=True),
        st.booleans(),
    )


def build_study(blueprint: Blueprint) -> Study:
    """Build the study of a blueprint: datasets about subjects of every kind, SUPPAE, RELREC and TA."""
    rng = np.random.default_rng(blueprint.seed)
    n = blueprint.n
    arm = np.arange(n) % blueprint.n_arms
    full = max(blueprint.visits[-1] - 1, 7)
    early = rng.random(n) < np.array(blueprint.leave)[arm]
    cohort = Cohort(
        np.array([f"GEN-{100 + i % 4}-{1001 + i}" for i in range(n)], object),
        arm,
        START + rng.integers(0, 300, n),
        np.where(early, rng.integers(3, full, n), full),
        early,
        blueprint.consent,
    )
    visits = subject_visits(blueprint, cohort, rng)
    frames = {"DM": demography(blueprint, cohort, rng), "SV": visits, "SE": elements(cohort), "EX": exposure(blueprint, cohort)}
    frames |= {"DS": disposition(cohort, rng), "VS": vital_signs(blueprint, cohort, visits, rng)}
    frames |= {"LB": laboratory(visits, rng), "QS": questions(visits, rng)}
    frames["AE"] = adverse_events(blueprint, cohort, frames["DM"], rng)
    frames["CE"] = clinical_events(visits, rng)
    frames["IE"] = criteria(cohort)
    frames["CM"] = medication(cohort, rng)
    frames["MH"] = history(cohort, rng)
    if blueprint.unique:
        _plant(frames)
    frames["SUPPAE"] = supplement(frames["AE"], rng, blueprint.unique)
    frames["RELREC"] = relations(frames["AE"], frames["CM"])
    frames["TA"] = pd.DataFrame({"ARMCD": [f"A{i}" for i in range(blueprint.n_arms)], "TAETORD": 1.0, "ETCD": "TRT"})
    identified = {}
    for name, frame in frames.items():
        head = pd.DataFrame({"STUDYID": "GEN", "DOMAIN": name}, index=frame.index)
        if name in ("SUPPAE", "RELREC"):
            head = head.drop(columns="DOMAIN")
        identified[name] = Dataset.from_frame(name, pd.concat([head, frame], axis=1))
    return Study(identified)


def _plant(frames: dict[str, pd.DataFrame]) -> None:
    """Give one subject each a text and a number that nobody shares, a different row in each column."""
    identifying = ("USUBJID", "ARMCD", "ARM", "SUBJID", "VISITNUM", "VISIT", "VISITDY")
    for name, frame in frames.items():
        for i, column in enumerate(frame.columns):
            if column in identifying or name == "IE" or column.endswith(("SEQ", "DTC", "DY", "TESTCD", "ETCD")) or not len(frame):
                continue
            row = (7 * i + 3) % len(frame)
            if pd.api.types.is_numeric_dtype(frame[column].dtype):
                frame.loc[row, column] = UNIQUE_NUMBER + i
            else:
                frame[column] = frame[column].astype(object)
                frame.loc[row, column] = f"UNIQUE-{name}-{column}"
