"""Tables of a generated study that tell a subject's course: demography, visits, elements, exposure, disposition."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .blueprint import Blueprint, Cohort, dates_text, numbered


def demography(blueprint: Blueprint, cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
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
            "RFSTDTC": dates_text(cohort.anchor),
            "RFENDTC": dates_text(end),
            "RFXSTDTC": dates_text(cohort.anchor),
            "RFICDTC": dates_text(cohort.anchor - cohort.consent),
            "RFPENDTC": dates_text(end + 7),
            "DTHDTC": dates_text(np.where(dead, end + 7, np.datetime64("NaT", "D"))),
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


def subject_visits(blueprint: Blueprint, cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
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
            "SVSTDTC": dates_text(cohort.anchor[subject] + day[subject, visit]),
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


def elements(cohort: Cohort) -> pd.DataFrame:
    bounds = [cohort.anchor - cohort.consent, cohort.anchor, cohort.anchor + cohort.left, cohort.anchor + cohort.left + 7]
    frames = [
        pd.DataFrame(
            {"USUBJID": cohort.ids, "ETCD": code, "ELEMENT": name, "SESTDTC": dates_text(begin), "SEENDTC": dates_text(end)}
        )
        for code, name, begin, end in zip(
            ("SCRN", "TRT", "FUP"), ("Screening", "Treatment", "Follow-up"), bounds[:-1], bounds[1:], strict=True
        )
    ]
    return numbered(pd.concat(frames), "SESEQ", ["SESTDTC"])


def exposure(blueprint: Blueprint, cohort: Cohort) -> pd.DataFrame:
    dose = np.array(blueprint.dose)[cohort.arm]
    high = dose > 50
    first_end = np.where(high, np.minimum(13, cohort.left), cohort.left)
    first = pd.DataFrame({"USUBJID": cohort.ids, "EXDOSE": np.where(high, 50.0, dose), "EXSTDTC": dates_text(cohort.anchor)})
    first["EXENDTC"] = dates_text(cohort.anchor + first_end)
    on = high & (cohort.left > 13)
    second = pd.DataFrame({"USUBJID": cohort.ids[on], "EXDOSE": dose[on], "EXSTDTC": dates_text(cohort.anchor[on] + 14)})
    second["EXENDTC"] = dates_text((cohort.anchor + cohort.left)[on])
    frame = pd.concat([first, second])
    frame.insert(1, "EXTRT", np.where(frame["EXDOSE"] > 0, "GENAZINE", "PLACEBO"))
    frame["EXDOSU"] = "mg"
    frame["EXVAMT"] = np.round(np.random.default_rng(blueprint.seed).gamma(9, 10, len(frame)), 1)
    frame = numbered(frame, "EXSEQ", ["EXSTDTC"])
    frame["EXSPID"] = [f"D{number:03.0f}" for number in frame["EXSEQ"]]
    return frame


def disposition(cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
    why = rng.choice(["ADVERSE EVENT", "WITHDRAWAL BY SUBJECT"], len(cohort.ids))
    end = np.where(cohort.early, why, "COMPLETED")
    frames = [
        pd.DataFrame(
            {"USUBJID": cohort.ids, "DSTERM": "INFORMED CONSENT OBTAINED", "DSDECOD": "INFORMED CONSENT OBTAINED"}
            | {"DSCAT": "PROTOCOL MILESTONE", "DSSTDTC": dates_text(cohort.anchor - cohort.consent)}
        ),
        pd.DataFrame(
            {"USUBJID": cohort.ids, "DSTERM": end, "DSDECOD": end, "DSCAT": "DISPOSITION EVENT"}
            | {"DSSTDTC": dates_text(cohort.anchor + cohort.left)}
        ),
    ]
    frames[1]["DSNOTE"] = np.where(np.arange(len(frames[1])) % 25 == 0, "see file", "")
    frames[0]["DSNOTE"] = ""
    return numbered(pd.concat(frames), "DSSEQ", ["DSSTDTC"])
