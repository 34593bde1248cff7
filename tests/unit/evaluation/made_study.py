"""A study made in code: a hundred and more subjects in two arms with visits, laboratory tests, events and disposition.

Every difference that a test plants is an argument; without one, two studies of different seeds are drawn from the same process.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.tables.dataset import Dataset, Study

VISITS = np.array([1, 2, 3, 4, 5])
DAYS = np.array([-7, 0, 14, 28, 56])
TERMS = np.array(["HEADACHE", "NAUSEA", "RASH", "FATIGUE"])
START = np.datetime64("2020-01-06")


def made_study(
    seed: int,
    n: int = 120,
    *,
    arm_effect: float = 1.0,
    last_shift: float = 0.0,
    serial: float = 0.8,
    age_effect: float = 0.6,
    between_tests: float = 0.7,
    rash: float = 0.15,
    onset_shift: int = 0,
    severe: float = 0.2,
    again: float = 0.2,
    leave: float = 0.25,
    reason: float = 1.0,
    missed: float = 0.1,
) -> Study:
    """Draw a study.

    Parameters
    ----------
    arm_effect, last_shift : float
        Added to ALT at visits 4 and 5 in the active arm; added at the last visit in both.
    serial, age_effect, between_tests : float
        Share of the standard deviation that a subject keeps; correlation of ALT with age; of AST with ALT.
    rash, severe, again : float
        Probability of a rash, of a severe event, of a second one of the same kind.
    onset_shift : int
        Days by which events begin later.
    leave, reason, missed : float
        Probability of leaving early, that it is for an adverse event, and of missing a visit.
    """
    rng = np.random.default_rng(seed)
    ids = np.array([f"S-{i:04d}" for i in range(n)], dtype=object)
    active = rng.random(n) < 0.5
    age = rng.normal(55.0, 10.0, n)
    first = START + rng.integers(0, 300, n)
    level = age_effect * (age - 55.0) / 10.0 + np.sqrt(1.0 - age_effect**2) * rng.normal(size=n)
    left = rng.random(n) < leave
    stay = np.where(left, rng.integers(8, 50, n), 56)
    dm = {
        "USUBJID": ids,
        "RFSTDTC": first.astype(str),
        "RFENDTC": (first + stay).astype(str),
        "AGE": age.round(),
        "SEX": np.where(rng.random(n) < 0.5, "F", "M"),
        "ARM": np.where(active, "Active", "Placebo"),
    }
    who, visit = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(len(VISITS)), indexing="ij"))
    seen = (DAYS[visit] <= stay[who]) & ((rng.random(len(who)) >= missed) | (visit < 2))
    who, visit = who[seen], visit[seen]
    date = (first[who] + DAYS[visit]).astype(str)
    sv = {"USUBJID": ids[who], "VISITNUM": VISITS[visit].astype(float), "VISIT": _visit(visit), "SVSTDTC": date}
    alt = serial * level[who] + np.sqrt(1.0 - serial**2) * rng.normal(size=len(who))
    ast = between_tests * alt + np.sqrt(1.0 - between_tests**2) * rng.normal(size=len(who))
    alt = alt + arm_effect * (active[who] & (visit >= 3)) + last_shift * (visit == 4)
    lb = pd.concat(
        [
            pd.DataFrame(
                {
                    "USUBJID": ids[who],
                    "LBTESTCD": test,
                    "LBTEST": test,
                    "LBSTRESC": values.round(2).astype(str),
                    "LBSTRESN": values.round(2),
                    "VISITNUM": VISITS[visit].astype(float),
                    "VISIT": _visit(visit),
                    "LBDTC": date,
                }
            )
            for test, values in (("ALT", 30.0 + 5.0 * alt), ("AST", 25.0 + 4.0 * ast))
        ]
    )
    datasets = [
        Dataset.from_frame("DM", pd.DataFrame({"STUDYID": "MADE", "DOMAIN": "DM", **dm})),
        Dataset.from_frame("SV", pd.DataFrame({"STUDYID": "MADE", "DOMAIN": "SV", **sv})),
        Dataset.from_frame("LB", lb.assign(STUDYID="MADE", DOMAIN="LB", LBSEQ=np.arange(len(lb)) + 1.0)),
        _events(rng, ids, first, rash, onset_shift, severe, again),
        Dataset.from_frame(
            "DS",
            pd.DataFrame(
                {
                    "STUDYID": "MADE",
                    "DOMAIN": "DS",
                    "USUBJID": ids,
                    "DSSEQ": 1.0,
                    "DSTERM": (how := np.where(~left, "COMPLETED", np.where(rng.random(n) < reason, "ADVERSE EVENT", "OTHER"))),
                    "DSDECOD": how,
                    "DSCAT": "DISPOSITION EVENT",
                    "DSSTDTC": (first + stay).astype(str),
                }
            ),
        ),
    ]
    return Study({dataset.name: dataset for dataset in datasets})


def _visit(visit: np.ndarray) -> np.ndarray:
    return np.array(["SCREENING", "BASELINE", "WEEK 2", "WEEK 4", "WEEK 8"], dtype=object)[visit]


def _events(
    rng: np.random.Generator, ids: np.ndarray, first: np.ndarray, rash: float, shift: int, severe: float, again: float
) -> Dataset:
    has = rng.random((len(ids), len(TERMS))) < np.array([0.4, 0.3, rash, 0.25])
    who, term = np.nonzero(has)
    twice = rng.random(len(who)) < again
    who, term = np.append(who, who[twice]), np.append(term, term[twice])
    begin = first[who] + rng.integers(0, 40, len(who)) + shift
    ends = rng.random(len(who)) < 0.8
    end = np.where(ends, (begin + rng.integers(0, 10, len(who))).astype(str), "")
    return Dataset.from_frame(
        "AE",
        pd.DataFrame(
            {
                "STUDYID": "MADE",
                "DOMAIN": "AE",
                "USUBJID": ids[who],
                "AESEQ": np.arange(len(who)) + 1.0,
                "AETERM": TERMS[term],
                "AEDECOD": TERMS[term],
                "AESEV": np.where(rng.random(len(who)) < severe, "SEVERE", "MILD"),
                "AESTDTC": begin.astype(str),
                "AEENDTC": end,
            }
        ),
    )
