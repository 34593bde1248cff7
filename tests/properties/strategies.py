"""A random study, described once: a blueprint with known truths, the study that is built of it, and blueprints for hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from numpy.typing import NDArray

from replicator.tables.dataset import Dataset, Study

START = np.datetime64("2021-03-01")
TERMS = {
    "HEADACHE": "NERVOUS SYSTEM",
    "DIZZINESS": "NERVOUS SYSTEM",
    "NAUSEA": "GASTROINTESTINAL",
    "VOMITING": "GASTROINTESTINAL",
    "RASH": "SKIN",
}
DRUGS = {"ASPIRIN": "ANALGESICS", "IBUPROFEN": "ANALGESICS", "METFORMIN": "ANTIDIABETICS"}
UNIQUE_NUMBER = 8765.4321


@dataclass(frozen=True)
class Blueprint:
    """What is true of a generated study.

    Attributes
    ----------
    n : int
        Subjects; arms in turn.
    seed : int
    female : tuple of float
        Share of women by arm; its length is the number of arms.
    leave : tuple of float
        Chance by arm of leaving early, evenly over the treatment.
    attend : float
        Chance that a visit after the first on treatment is kept, while the subject is there.
    visits : tuple of int
        Study days of the planned visits: screening, day 1, and so on.
    dose : tuple of float
        Last dose by arm; arms above 50 mg take 50 mg for the first 14 days.
    correlation : float
        Between height and weight.
    shift : tuple of float
        By which systolic pressure differs by arm after day 1, mmHg.
    rash : tuple of float
        Chance of RASH by arm.
    consent : int
        Days from consent (and screening) to day 1.
    unique : bool
        Whether one subject each has a text and a number of its own in columns that the others share.
    """

    n: int = 60
    seed: int = 1
    female: tuple[float, ...] = (0.3, 0.5, 0.7)
    leave: tuple[float, ...] = (0.1, 0.3, 0.6)
    attend: float = 0.9
    visits: tuple[int, ...] = (-7, 1, 15, 29, 57, 85)
    dose: tuple[float, ...] = (0.0, 50.0, 100.0)
    correlation: float = 0.7
    shift: tuple[float, ...] = (0.0, -5.0, -15.0)
    rash: tuple[float, ...] = (0.1, 0.2, 0.6)
    consent: int = 8
    unique: bool = False

    @property
    def n_arms(self) -> int:
        """Number of arms."""
        return len(self.female)


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


@dataclass(frozen=True, eq=False)
class _Cohort:
    ids: NDArray[np.object_]
    arm: NDArray[np.int64]
    anchor: NDArray[np.datetime64]
    left: NDArray[np.int64]  # study days (from 0) on treatment
    early: NDArray[np.bool_]
    consent: int


def build_study(blueprint: Blueprint) -> Study:
    """Build the study of a blueprint: datasets about subjects of every kind, SUPPAE, RELREC and TA."""
    rng = np.random.default_rng(blueprint.seed)
    n = blueprint.n
    arm = np.arange(n) % blueprint.n_arms
    full = max(blueprint.visits[-1] - 1, 7)
    early = rng.random(n) < np.array(blueprint.leave)[arm]
    cohort = _Cohort(
        np.array([f"GEN-{100 + i % 4}-{1001 + i}" for i in range(n)], object),
        arm,
        START + rng.integers(0, 300, n),
        np.where(early, rng.integers(3, full, n), full),
        early,
        blueprint.consent,
    )
    visits = _visits(blueprint, cohort, rng)
    frames = {"DM": _demography(blueprint, cohort, rng), "SV": visits, "SE": _elements(cohort), "EX": _exposure(blueprint, cohort)}
    frames |= {"DS": _disposition(cohort, rng), "VS": _vital_signs(blueprint, cohort, visits, rng)}
    frames |= {"LB": _laboratory(visits, rng), "QS": _questions(visits, rng)}
    frames["AE"] = _adverse_events(blueprint, cohort, frames["DM"], rng)
    frames["CE"] = _clinical_events(visits, rng)
    frames["IE"] = _criteria(cohort)
    frames["CM"] = _medication(cohort, rng)
    frames["MH"] = _history(cohort, rng)
    if blueprint.unique:
        _plant(frames)
    frames["SUPPAE"] = _supplement(frames["AE"], rng, blueprint.unique)
    frames["RELREC"] = _relations(frames["AE"], frames["CM"])
    frames["TA"] = pd.DataFrame({"ARMCD": [f"A{i}" for i in range(blueprint.n_arms)], "TAETORD": 1.0, "ETCD": "TRT"})
    identified = {}
    for name, frame in frames.items():
        head = pd.DataFrame({"STUDYID": "GEN", "DOMAIN": name}, index=frame.index)
        if name in ("SUPPAE", "RELREC"):
            head = head.drop(columns="DOMAIN")
        identified[name] = Dataset.from_frame(name, pd.concat([head, frame], axis=1))
    return Study(identified)


def _text(day: NDArray[np.datetime64]) -> NDArray[np.object_]:
    return np.where(np.isnat(day), "", np.datetime_as_string(day, unit="D").astype(object))


def _numbered(frame: pd.DataFrame, name: str, by: Sequence[str]) -> pd.DataFrame:
    """Sort by subject and the columns `by`, and count the rows of a subject."""
    frame = frame.sort_values(["USUBJID", *by], kind="stable").reset_index(drop=True)
    frame.insert(1, name, (frame.groupby("USUBJID").cumcount() + 1).astype(float))
    return frame


def _demography(blueprint: Blueprint, cohort: _Cohort, rng: np.random.Generator) -> pd.DataFrame:
    n, arm = blueprint.n, cohort.arm
    site = np.arange(n) % 4
    end = cohort.anchor + cohort.left
    dead = cohort.early & (rng.random(n) < 0.15)
    birth = pd.DatetimeIndex(cohort.anchor - rng.integers(40 * 365, 80 * 365, n))
    today = pd.DatetimeIndex(cohort.anchor)
    to_come = (birth.month * 100 + birth.day) > (today.month * 100 + today.day)
    age = (today.year - birth.year - to_come).to_numpy(float)
    return pd.DataFrame(
        {
            "USUBJID": cohort.ids,
            "SUBJID": [one[-4:] for one in cohort.ids],
            "RFSTDTC": _text(cohort.anchor),
            "RFENDTC": _text(end),
            "RFXSTDTC": _text(cohort.anchor),
            "RFICDTC": _text(cohort.anchor - cohort.consent),
            "RFPENDTC": _text(end + 7),
            "DTHDTC": _text(np.where(dead, end + 7, np.datetime64("NaT", "D"))),
            "DTHFL": np.where(dead, "Y", ""),
            "SITEID": (100 + site).astype(str),
            "BRTHDTC": [str(day.date()) for day in birth],
            "AGE": age,
            "AGEU": "YEARS",
            "SEX": np.where(rng.random(n) < np.array(blueprint.female)[arm], "F", "M"),
            "RACE": rng.choice(["WHITE", "ASIAN", "BLACK"], n, p=[0.6, 0.25, 0.15]),
            "ARMCD": [f"A{i}" for i in arm],
            "ARM": np.array(["Placebo", "Low Dose", "High Dose"])[arm],
            "COUNTRY": np.array(["FRA", "FRA", "DEU", "USA"])[site],
        }
    )


def _visits(blueprint: Blueprint, cohort: _Cohort, rng: np.random.Generator) -> pd.DataFrame:
    n, planned = blueprint.n, np.array(blueprint.visits)
    day = np.broadcast_to(np.where(planned > 0, planned - 1, planned), (n, len(planned))).copy()
    day[:, 2:] += rng.integers(-2, 3, (n, len(planned) - 2))
    day[:, 0] = -cohort.consent
    kept = (day <= cohort.left[:, None]) & ((rng.random(day.shape) < blueprint.attend) | (np.arange(len(planned)) < 2))
    subject, visit = np.nonzero(kept)
    names = ["SCREENING", "BASELINE", *(f"DAY {d}" for d in blueprint.visits[2:])]
    frame = pd.DataFrame(
        {
            "USUBJID": cohort.ids[subject],
            "VISITNUM": visit + 1.0,
            "VISIT": np.array(names, object)[visit],
            "VISITDY": planned[visit].astype(float),
            "SVSTDTC": _text(cohort.anchor[subject] + day[subject, visit]),
        }
    )
    frame["SVSTDY"] = np.where(day[subject, visit] >= 0, day[subject, visit] + 1, day[subject, visit]).astype(float)
    before_end = day[subject, visit] < cohort.left[subject]
    extra = frame[(frame["VISITNUM"] >= 2) & before_end & (rng.random(len(frame)) < 0.04)].copy()
    next_day = pd.to_datetime(extra["SVSTDTC"]) + pd.Timedelta(days=1)
    extra["SVSTDTC"] = next_day.dt.strftime("%Y-%m-%d").astype(object)
    extra["SVSTDY"] += 1
    extra["VISITNUM"] += 0.1
    extra["VISIT"] = [f"UNSCHEDULED {number:g}" for number in extra["VISITNUM"]]
    extra["VISITDY"] = np.nan
    frame = pd.concat([frame, extra])
    frame["SVENDTC"] = frame["SVSTDTC"]
    return frame.sort_values(["USUBJID", "VISITNUM"], kind="stable").reset_index(drop=True)


def _elements(cohort: _Cohort) -> pd.DataFrame:
    bounds = [cohort.anchor - cohort.consent, cohort.anchor, cohort.anchor + cohort.left, cohort.anchor + cohort.left + 7]
    frames = [
        pd.DataFrame({"USUBJID": cohort.ids, "ETCD": code, "ELEMENT": name, "SESTDTC": _text(begin), "SEENDTC": _text(end)})
        for code, name, begin, end in zip(
            ("SCRN", "TRT", "FUP"), ("Screening", "Treatment", "Follow-up"), bounds[:-1], bounds[1:], strict=True
        )
    ]
    return _numbered(pd.concat(frames), "SESEQ", ["SESTDTC"])


def _exposure(blueprint: Blueprint, cohort: _Cohort) -> pd.DataFrame:
    dose = np.array(blueprint.dose)[cohort.arm]
    high = dose > 50
    first_end = np.where(high, np.minimum(13, cohort.left), cohort.left)
    first = pd.DataFrame({"USUBJID": cohort.ids, "EXDOSE": np.where(high, 50.0, dose), "EXSTDTC": _text(cohort.anchor)})
    first["EXENDTC"] = _text(cohort.anchor + first_end)
    on = high & (cohort.left > 13)
    second = pd.DataFrame({"USUBJID": cohort.ids[on], "EXDOSE": dose[on], "EXSTDTC": _text(cohort.anchor[on] + 14)})
    second["EXENDTC"] = _text((cohort.anchor + cohort.left)[on])
    frame = pd.concat([first, second])
    frame.insert(1, "EXTRT", np.where(frame["EXDOSE"] > 0, "GENAZINE", "PLACEBO"))
    frame["EXDOSU"] = "mg"
    frame["EXVAMT"] = np.round(np.random.default_rng(blueprint.seed).gamma(9, 10, len(frame)), 1)
    frame = _numbered(frame, "EXSEQ", ["EXSTDTC"])
    frame["EXSPID"] = [f"D{number:03.0f}" for number in frame["EXSEQ"]]
    return frame


def _disposition(cohort: _Cohort, rng: np.random.Generator) -> pd.DataFrame:
    why = rng.choice(["ADVERSE EVENT", "WITHDRAWAL BY SUBJECT"], len(cohort.ids))
    end = np.where(cohort.early, why, "COMPLETED")
    frames = [
        pd.DataFrame(
            {"USUBJID": cohort.ids, "DSTERM": "INFORMED CONSENT OBTAINED", "DSDECOD": "INFORMED CONSENT OBTAINED"}
            | {"DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": _text(cohort.anchor - cohort.consent)}
        ),
        pd.DataFrame(
            {"USUBJID": cohort.ids, "DSTERM": end, "DSDECOD": end, "DSCAT": "DISPOSITION EVENT"}
            | {"DSSTDTC": _text(cohort.anchor + cohort.left)}
        ),
    ]
    frames[1]["DSNOTE"] = np.where(np.arange(len(frames[1])) % 25 == 0, "see file", "")
    frames[0]["DSNOTE"] = ""
    return _numbered(pd.concat(frames), "DSSEQ", ["DSSTDTC"])


def _results(visits: pd.DataFrame, prefix: str, code: str, name: str, value: NDArray[np.float64], unit: str) -> pd.DataFrame:
    out = pd.DataFrame({"USUBJID": visits["USUBJID"], f"{prefix}TESTCD": code, f"{prefix}TEST": name})
    out[f"{prefix}ORRES"] = [f"{v:g}" for v in value]
    out[f"{prefix}ORRESU"] = unit
    out[f"{prefix}STRESC"] = out[f"{prefix}ORRES"]
    out[f"{prefix}STRESN"] = value
    out[f"{prefix}STRESU"] = unit
    for variable in ("VISITNUM", "VISIT", "VISITDY"):
        out[variable] = visits[variable]
    out[f"{prefix}DTC"] = visits["SVSTDTC"]
    out[f"{prefix}DY"] = visits["SVSTDY"]
    return out


def _by_subject(visits: pd.DataFrame, draw: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
    """One draw a subject, spread over the subject's visits."""
    codes, ids = pd.factorize(visits["USUBJID"])
    return draw(len(ids))[codes]


def _vital_signs(blueprint: Blueprint, cohort: _Cohort, visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    position = pd.Series(np.arange(blueprint.n), index=cohort.ids)
    at = visits["USUBJID"].map(position).to_numpy(int)
    z = rng.standard_normal((blueprint.n, 3))
    height = np.round(170 + 9 * z[:, 0])
    weight = 75 + 12 * (blueprint.correlation * z[:, 0] + np.sqrt(1 - blueprint.correlation**2) * z[:, 1])
    pressure = 130 + 10 * z[:, 2]
    treated = (visits["VISITNUM"] > 2).to_numpy()
    measured = pressure[at] + treated * np.array(blueprint.shift)[cohort.arm[at]] + rng.normal(0, 5, len(at))
    opening = visits["VISITNUM"].to_numpy() == 1
    frames = [
        _results(visits[opening], "VS", "HEIGHT", "Height", height[at][opening], "cm"),
        _results(visits, "VS", "WEIGHT", "Weight", np.round(weight[at] + rng.normal(0, 0.7, len(at)), 1), "kg"),
        _results(visits, "VS", "SYSBP", "Systolic Blood Pressure", np.round(measured), "mmHg"),
    ]
    frames[2]["VSPOS"] = "SITTING"
    frame = pd.concat(frames)
    frame["VSPOS"] = frame["VSPOS"].fillna("")
    frame["VSBLFL"] = np.where((frame["VISITNUM"] == 2) | (frame["VSTESTCD"] == "HEIGHT"), "Y", "")
    return _numbered(frame, "VSSEQ", ["VSTESTCD", "VISITNUM"])


def _laboratory(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = len(visits)
    alt = np.exp(_by_subject(visits, lambda m: rng.normal(3.1, 0.4, m)) + rng.normal(0, 0.2, n))
    frames = [
        _results(visits, "LB", "ALT", "Alanine Aminotransferase", np.round(alt), "U/L"),
        _results(visits, "LB", "K", "Potassium", np.round(rng.normal(4.2, 0.3, n), 1), "mmol/L"),
    ]
    frames[0]["LBORNRHI"], frames[1]["LBORNRHI"] = "40", "5.1"
    return _numbered(pd.concat(frames), "LBSEQ", ["LBTESTCD", "VISITNUM"])


def _questions(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    level = _by_subject(visits, lambda m: rng.normal(0, 1, m))
    frames = []
    for i in (1, 2):
        score = np.digitize(level + rng.normal(0, 0.7, len(visits)), [-1.0, 0.0, 1.0])
        frame = _results(visits, "QS", f"ITEM{i}", f"Item {i}", score.astype(float), "")
        frame["QSORRES"] = np.array(["NONE", "MILD", "MODERATE", "SEVERE"], object)[score]
        frames.append(frame.drop(columns=["QSORRESU", "QSSTRESU"]))
    asked = frames[0][frames[0]["QSORRES"] != "NONE"].copy()  # only those who have it are asked how often
    asked["QSTESTCD"], asked["QSTEST"] = "ITEM3", "Item 3"
    asked["QSORRES"] = rng.choice(["RARELY", "OFTEN"], len(asked))
    asked["QSSTRESC"], asked["QSSTRESN"] = asked["QSORRES"], np.where(asked["QSORRES"] == "OFTEN", 1.0, 0.0)
    frame = pd.concat([*frames, asked])
    frame.insert(3, "QSCAT", "SCALE")
    return _numbered(frame, "QSSEQ", ["QSTESTCD", "VISITNUM"])


def _adverse_events(blueprint: Blueprint, cohort: _Cohort, head: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    terms = np.array(list(TERMS), object)
    chance = np.stack([np.full(blueprint.n, 0.3)] * 4 + [np.array(blueprint.rash)[cohort.arm]], axis=1)
    subject, term = np.nonzero(rng.random(chance.shape) < chance)
    start = cohort.anchor[subject] + (rng.random(len(subject)) * (cohort.left[subject] + 1)).astype(int)
    stop = np.minimum(start + rng.geometric(0.2, len(subject)), cohort.anchor[subject] + cohort.left[subject])
    open_still = rng.random(len(subject)) < 0.2
    begin = _text(start)
    partial = rng.random(len(subject)) < 0.1
    frame = pd.DataFrame(
        {
            "USUBJID": cohort.ids[subject],
            "AETERM": [text.lower() for text in terms[term]],
            "AEDECOD": terms[term],
            "AEBODSYS": np.array(list(TERMS.values()), object)[term],
            "AESEV": rng.choice(["MILD", "MODERATE", "SEVERE"], len(subject), p=[0.6, 0.3, 0.1]),
            "AESER": np.where(rng.random(len(subject)) < 0.05, "Y", "N"),
            "AEOUT": np.where(open_still, "NOT RECOVERED/NOT RESOLVED", "RECOVERED/RESOLVED"),
            "AESTDTC": np.where(partial, [one[:7] for one in begin], begin),
            "AEENDTC": np.where(open_still, "", _text(stop)),
        }
    )
    frame["AEDTC"] = _text(start + 2)
    frame = _numbered(frame, "AESEQ", ["AEDTC"])
    frame["AESPID"] = [f"E{number:02.0f}" for number in frame["AESEQ"]]
    death = frame["USUBJID"].map(head.set_index("USUBJID")["DTHDTC"]).fillna("")
    last = ~frame["USUBJID"].duplicated(keep="last") & (death != "")
    frame.loc[last, "AEOUT"], frame.loc[last, "AEENDTC"] = "FATAL", death[last]
    return frame


def _clinical_events(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Events that are recorded again at every visit until they are over, with the severity of the day."""
    planned = visits[visits["VISITNUM"] == visits["VISITNUM"].round()]
    frames = []
    for term in ("RELAPSE", "FALL"):
        at = planned[(planned["VISITNUM"] >= 2) & (_by_subject(planned, lambda m: rng.random(m)) < 0.4)].copy()
        rank = at.groupby("USUBJID").cumcount()
        at = at[rank < 3]
        frame = pd.DataFrame({"USUBJID": at["USUBJID"], "CETERM": term, "CESEV": rng.choice(["MILD", "SEVERE"], len(at))})
        frame["VISITNUM"], frame["VISIT"], frame["CEDTC"] = at["VISITNUM"], at["VISIT"], at["SVSTDTC"]
        frame["CESTDTC"] = frame.groupby("USUBJID")["CEDTC"].transform("min")
        frames.append(frame)
    return _numbered(pd.concat(frames), "CESEQ", ["CETERM", "VISITNUM"])


def _criteria(cohort: _Cohort) -> pd.DataFrame:
    """Three subjects did not meet a criterion, each another one: too few to learn from."""
    who = cohort.ids[: min(3, len(cohort.ids))]
    codes = [f"EXCL0{i + 1}" for i in range(len(who))]
    frame = pd.DataFrame({"USUBJID": who, "IETESTCD": codes, "IETEST": [f"Criterion {i + 1}" for i in range(len(who))]})
    frame["IEORRES"], frame["IESTRESC"] = "Y", "Y"
    frame["IEDTC"] = _text(cohort.anchor[: len(who)] - 1)
    return _numbered(frame, "IESEQ", ["IETESTCD"])


def _medication(cohort: _Cohort, rng: np.random.Generator) -> pd.DataFrame:
    drugs = np.array(list(DRUGS), object)
    subject, drug = np.nonzero(rng.random((len(cohort.ids), len(drugs))) < 0.4)
    start = cohort.anchor[subject] + rng.integers(-200, 40, len(subject))
    frame = pd.DataFrame(
        {
            "USUBJID": cohort.ids[subject],
            "CMTRT": drugs[drug],
            "CMCLAS": np.array(list(DRUGS.values()), object)[drug],
            "CMDOSE": np.array([500.0, 400.0, 850.0])[drug],
            "CMDOSU": "mg",
            "CMROUTE": "ORAL",
            "CMSTDTC": [one[:4] if i % 5 == 0 else one for i, one in enumerate(_text(start))],
        }
    )
    return _numbered(frame, "CMSEQ", ["CMTRT"])


def _history(cohort: _Cohort, rng: np.random.Generator) -> pd.DataFrame:
    terms = np.array(["HYPERTENSION", "ASTHMA", "MIGRAINE"], object)
    subject, term = np.nonzero(rng.random((len(cohort.ids), 3)) < 0.35)
    year = (2021 - rng.integers(1, 20, len(subject))).astype(str)
    frame = pd.DataFrame({"USUBJID": cohort.ids[subject], "MHTERM": terms[term], "MHSTDTC": year})
    return _numbered(frame, "MHSEQ", ["MHTERM"])


def _supplement(events: pd.DataFrame, rng: np.random.Generator, unique: bool) -> pd.DataFrame:
    chosen = events[rng.random(len(events)) < 0.5]
    value = rng.choice(["Y", "N"], len(chosen)).astype(object)
    if unique and len(chosen):
        value[0] = "UNIQUE-SUPPAE-QVAL"
    return pd.DataFrame(
        {
            "RDOMAIN": "AE",
            "USUBJID": chosen["USUBJID"].to_numpy(),
            "IDVAR": "AESEQ",
            "IDVARVAL": [f"{s:g}" for s in chosen["AESEQ"]],
            "QNAM": "AETRTEM",
            "QLABEL": "Treatment Emergent Flag",
            "QVAL": value,
            "QORIG": "DERIVED",
        }
    )


def _relations(events: pd.DataFrame, drugs: pd.DataFrame) -> pd.DataFrame:
    """Each subject's first headache is treated by the subject's aspirin."""
    first = events[events["AEDECOD"] == "HEADACHE"].drop_duplicates("USUBJID")[["USUBJID", "AESEQ"]]
    both = first.merge(drugs[drugs["CMTRT"] == "ASPIRIN"][["USUBJID", "CMSEQ"]], on="USUBJID")
    frames = [
        pd.DataFrame(
            {"RDOMAIN": domain, "USUBJID": both["USUBJID"], "IDVAR": f"{domain}SEQ"}
            | {"IDVARVAL": [f"{s:g}" for s in both[f"{domain}SEQ"]], "RELTYPE": "", "RELID": both["USUBJID"] + "-R"}
        )
        for domain in ("AE", "CM")
    ]
    return pd.concat(frames).sort_values(["USUBJID", "RDOMAIN"]).reset_index(drop=True)


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
