"""A study with everything that a statistical reviewer looks at; each giveaway of made data is an argument."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicator.tables.dataset import Dataset, Study

START = np.datetime64("2021-01-04")  # a Monday
TERMS = np.array(["HEADACHE", "NAUSEA", "RASH", "FATIGUE", "COUGH", "FEVER"])
TESTS = ("ALT", "AST", "BILI", "GLUC")
N_SITES, N_VISITS = 6, 6


def reviewed_study(
    seed: int,
    n: int = 160,
    *,
    weekends: bool = False,
    jitter: float = 2.5,
    sites_alike: bool = False,
    on_the_minute: bool = False,
    night: bool = False,
    all_digits: bool = False,
    any_laboratory: bool = False,
    decimals: int = 1,
    repeats: float = 0.2,
    baseline_sd: float = 1.0,
    outliers: float = 0.02,
    skipped: float = 0.15,
    clustered: bool = True,
    on_visit_days: float = 0.3,
    together: float = 0.4,
    agreeing: bool = True,
    related_by_arm: float = 0.1,
    withdrawn: float = 0.9,
    indicated: float = 0.9,
    suited: bool = True,
    traced: float = 1.0,
) -> Study:
    """Draw a study of `n` subjects."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"S-{i:04d}" for i in range(n)], dtype=object)
    site = rng.integers(0, N_SITES, n)
    first = START + 7 * rng.integers(0, 100, n) + rng.integers(0, 5, n)
    active = rng.random(n) < 0.5
    dead, left = rng.random(n) < 0.12, rng.random(n) < 0.3
    who, visit = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(N_VISITS), indexing="ij"))
    apart = np.where(site[who] % 2 == 0, 0.3, 1.7) if not sites_alike else np.ones(len(who))
    moved = np.where(visit == 0, 0, np.round(rng.normal(size=len(who)) * jitter * apart)).astype(int)
    date = first[who] + 14 * visit + moved
    if not weekends:
        date = date + np.maximum(2 - (_weekday(date) - 5), 0) * (_weekday(date) >= 5)
    sv = {
        "USUBJID": ids[who],
        "VISITNUM": visit + 1.0,
        "VISIT": _named(visit),
        "VISITDY": 14.0 * visit + 1,
        "SVSTDTC": date.astype(str),
    }
    lb = _laboratory(
        rng,
        ids,
        site,
        who,
        visit,
        date,
        on_the_minute,
        night,
        all_digits,
        any_laboratory,
        decimals,
        repeats,
        baseline_sd,
        outliers,
        skipped,
    )
    visit_dates = np.full((n, N_VISITS), np.datetime64("NaT"), "datetime64[D]")
    visit_dates[who, visit] = date
    ae = _events(rng, ids, first, visit_dates, active, clustered, on_visit_days, together, agreeing, related_by_arm)
    stopped = left & (rng.random(n) < withdrawn)
    fatal = dead & (rng.random(n) < traced)
    ae = pd.concat(
        [
            ae,
            _of_subjects(ids, first, stopped, "RASH", "DRUG WITHDRAWN", "RECOVERED"),
            _of_subjects(ids, first, fatal, "FEVER", "NOT APPLICABLE", "FATAL"),
        ]
    )
    died = (first + 100).astype(str)
    reason = np.where(dead & (rng.random(n) < traced), "DEATH", np.where(left, "ADVERSE EVENT", "COMPLETED"))
    frames = {
        "DM": {
            "USUBJID": ids,
            "SITEID": np.array([f"{700 + one}" for one in site], dtype=object),
            "RFSTDTC": first.astype(str),
            "ARM": np.where(active, "Active", "Placebo"),
            "DTHFL": np.where(dead, "Y", ""),
            "DTHDTC": np.where(dead, died, ""),
        },
        "SV": sv,
        "LB": lb,
        "AE": ae,
        "CM": _medicines(rng, ae, indicated, suited),
        "DS": {
            "USUBJID": ids,
            "DSTERM": reason,
            "DSDECOD": reason,
            "DSCAT": "DISPOSITION EVENT",
            "DSSTDTC": (first + 100).astype(str),
        },
    }
    return Study({name: _dataset(name, pd.DataFrame(columns)) for name, columns in frames.items()})


def _dataset(name: str, frame: pd.DataFrame) -> Dataset:
    frame = frame.reset_index(drop=True)
    sequence = {} if name in ("DM", "SV") else {f"{name}SEQ": np.arange(len(frame)) + 1.0}
    return Dataset.from_frame(name, frame.assign(STUDYID="SEEN", DOMAIN=name, **sequence))


def _weekday(date: np.ndarray) -> np.ndarray:
    return (date.astype("datetime64[D]").astype(int) + 3) % 7


def _named(visit: np.ndarray) -> np.ndarray:
    return np.array([f"WEEK {2 * i}" for i in range(N_VISITS)], dtype=object)[visit]


def _laboratory(
    rng: np.random.Generator,
    ids: np.ndarray,
    site: np.ndarray,
    who: np.ndarray,
    visit: np.ndarray,
    date: np.ndarray,
    on_the_minute: bool,
    night: bool,
    all_digits: bool,
    any_laboratory: bool,
    decimals: int,
    repeats: float,
    baseline_sd: float,
    outliers: float,
    skipped: float,
) -> pd.DataFrame:
    minute = rng.integers(0, 60, len(who)) if on_the_minute else 5 * rng.integers(0, 12, len(who))
    hour = rng.integers(0, 24, len(who)) if night else rng.integers(8, 12, len(who))
    time = np.array([f"{d}T{h:02d}:{m:02d}" for d, h, m in zip(date, hour, minute, strict=True)], dtype=object)
    at = np.random.default_rng(len(who)).integers(0, 3, len(who)) if any_laboratory else site[who] // 2
    laboratory = np.array(["NORTH", "SOUTH", "WEST"], dtype=object)[at]
    parts = []
    for test in TESTS:
        level = rng.normal(size=len(ids)) * baseline_sd
        value = 50.0 + 8.0 * level[who] + 3.0 * rng.normal(size=len(who))
        value = np.where(rng.random(len(who)) < outliers, value + 100.0 * rng.random(len(who)) + 50.0, value)
        rounds = (site[who] < 2) & (not all_digits)
        value = np.where(rounds, np.round(value), np.round(value, decimals))
        again = np.append(False, (rng.random(len(who) - 1) < repeats) & (np.diff(who) == 0))
        value = np.where(again, np.append(0.0, value[:-1]), value)
        text = np.array([f"{v:.{decimals}f}" for v in value], dtype=object)
        kept = rng.random(len(who)) >= (skipped if test == "GLUC" else 0.0)
        columns = {
            "USUBJID": ids[who],
            "LBTESTCD": test,
            "LBTEST": test,
            "LBCAT": "CHEMISTRY",
            "LBNAM": laboratory,
            "LBORRES": text,
            "LBSTRESC": text,
            "LBSTRESN": value,
            "LBBLFL": np.where(visit == 0, "Y", ""),
            "VISITNUM": visit + 1.0,
            "VISIT": _named(visit),
            "LBDTC": time,
        }
        parts.append(pd.DataFrame(columns)[kept])
    return pd.concat(parts)


def _events(
    rng: np.random.Generator,
    ids: np.ndarray,
    first: np.ndarray,
    visit_dates: np.ndarray,
    active: np.ndarray,
    clustered: bool,
    on_visit_days: float,
    together: float,
    agreeing: bool,
    related_by_arm: float,
) -> pd.DataFrame:
    rate = rng.gamma(0.7, 3.0 / 0.7, len(ids)) if clustered else np.full(len(ids), 3.0)
    who = np.repeat(np.arange(len(ids)), rng.poisson(rate))
    n = len(who)
    begin = first[who] + rng.integers(0, 70, n)
    seen = visit_dates[who, rng.integers(0, N_VISITS, n)]
    begin = np.where(rng.random(n) < on_visit_days, seen, begin)
    with_last = np.append(False, (np.diff(who) == 0) & (rng.random(n - 1) < together))
    begin = np.where(with_last, np.append(begin[:1], begin[:-1]), begin)
    severe = rng.random(n) < 0.25
    serious = severe if agreeing else rng.random(n) < 0.25
    related = rng.random(n) < np.where(active[who], 0.5 + related_by_arm, 0.5 - related_by_arm)
    term = TERMS[rng.integers(0, len(TERMS), n)]
    columns = {
        "USUBJID": ids[who],
        "AETERM": term,
        "AEDECOD": term,
        "AESEV": np.where(severe, "SEVERE", "MILD"),
        "AESER": np.where(serious, "Y", "N"),
        "AEACN": "DOSE NOT CHANGED",
        "AEREL": np.where(related, "RELATED", "NOT RELATED"),
        "AEOUT": "RECOVERED",
        "AESTDTC": begin.astype("datetime64[D]").astype(str),
    }
    return pd.DataFrame(columns)


def _of_subjects(ids: np.ndarray, first: np.ndarray, having: np.ndarray, term: str, action: str, outcome: str) -> pd.DataFrame:
    columns = {
        "USUBJID": ids[having],
        "AETERM": term,
        "AEDECOD": term,
        "AESEV": "SEVERE",
        "AESER": "Y",
        "AEACN": action,
        "AEREL": "RELATED",
        "AEOUT": outcome,
        "AESTDTC": (first[having] + 95).astype(str),
    }
    return pd.DataFrame(columns)


def _medicines(rng: np.random.Generator, ae: pd.DataFrame, indicated: float, suited: bool) -> pd.DataFrame:
    rows = ae[rng.random(len(ae)) < 0.5]
    other = TERMS[rng.integers(0, len(TERMS), len(rows))]
    for_event = rng.random(len(rows)) < indicated
    indication = np.where(for_event, rows["AETERM"].to_numpy(), other)
    medicine = np.where(np.isin(indication, ["HEADACHE", "FEVER"]), "PARACETAMOL", "CETIRIZINE")
    medicine = medicine if suited else rng.permutation(medicine)
    columns = {
        "USUBJID": rows["USUBJID"].to_numpy(),
        "CMTRT": medicine,
        "CMDECOD": medicine,
        "CMINDC": indication,
        "CMSTDTC": rows["AESTDTC"].to_numpy(),
    }
    return pd.DataFrame(columns)
