"""Small studies written out, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from replicator.profile.find import find_structure
from replicator.profile.structure import StudyStructure
from replicator.tables.dataset import Dataset, Study

WEEKS = (0, 2, 4, 8, 12, 16)


def make_study(**frames: Mapping[str, Sequence[object]]) -> Study:
    """Build a study of columns written out; STUDYID and DOMAIN are added (RDOMAIN tells where not)."""
    datasets = {}
    for name, frame in frames.items():
        head = {"STUDYID": "ST"} if "RDOMAIN" in frame else {"STUDYID": "ST", "DOMAIN": name}
        datasets[name] = Dataset.from_frame(name, pd.DataFrame({**head, **frame}))
    return Study(datasets)


def structured(study: Study) -> tuple[Study, StudyStructure]:
    """Return a study with its structure."""
    return study, find_structure(study)


def doses_of_each_day(n: int = 60, days: int = 50) -> Study:
    """Two arms: 54 mg, or 54 mg for ten days and 81 mg after them; every fifth subject misses days 12 to 14."""
    day = [np.datetime64("2020-01-01") + 3 * i for i in range(n)]
    length = [20 if i % 3 == 0 else days for i in range(n)]
    high = [bool(i % 2) for i in range(n)]
    rows = [(i, k) for i in range(n) for k in range(length[i])]
    missed = [i % 5 == 0 and 12 <= k <= 14 for i, k in rows]
    dose = [81.0 if high[i] and k >= 10 else 54.0 for i, k in rows]
    ids = [f"ST-{i:03d}" for i in range(n)]
    date = [str(day[i] + k) for i, k in rows]
    collected = {
        "USUBJID": [ids[i] for i, _ in rows],
        "ECSEQ": [float(k + 1) for _, k in rows],
        "ECTRT": ["DRUG"] * len(rows),
        "ECOCCUR": ["N" if gone else "Y" for gone in missed],
        "ECDOSE": [np.nan if gone else 5.0 for gone in missed],
        "ECPSTRG": [one / 5 for one in dose],
        "ECSTDTC": date,
        "ECENDTC": date,
    }
    kept = [at for at, gone in enumerate(missed) if not gone]
    given = {
        "USUBJID": [ids[rows[at][0]] for at in kept],
        "EXSEQ": [float(rows[at][1] + 1) for at in kept],
        "EXTRT": ["DRUG"] * len(kept),
        "EXDOSE": [dose[at] for at in kept],
        "EXSTDTC": [date[at] for at in kept],
    }
    subjects = {
        "USUBJID": ids,
        "RFSTDTC": [str(one) for one in day],
        "RFENDTC": [str(one + n - 1) for one, n in zip(day, length, strict=True)],
        "ARMCD": ["HIGH" if one else "LOW" for one in high],
    }
    return make_study(DM=subjects, EX=given, EC=collected)


def weeks_completed(n: int = 240) -> Study:
    """Subjects who stay to some week; one flag for week 8, another for the end; sex has nothing to do with it.

    Arm B begins after week 0: who leaves then was in arm A, whatever was planned.
    """
    rng = np.random.default_rng(8)
    dm: list[tuple[object, ...]] = []
    sv: list[tuple[object, ...]] = []
    for i in range(n):
        who, start = f"ST-{i:04d}", np.datetime64("2021-01-04") + int(rng.integers(0, 200))
        last = len(WEEKS) - 1 if rng.random() < 0.5 else int(rng.integers(0, len(WEEKS) - 1))
        days = [start + 7 * week + (int(rng.integers(-1, 2)) if week else 0) for week in WEEKS[: last + 1]]
        flags = ("Y" if WEEKS[last] >= 8 else "", "Y" if last == len(WEEKS) - 1 else "")
        planned = "AB"[i % 2]
        actual = planned if last else "A"
        dm.append((who, who[3:], str(start), str(days[-1]), "FM"[int(rng.random() < 0.5)], *flags, planned, actual))
        sv += [(who, j + 1, f"WEEK {WEEKS[j]}", str(day), "TREATMENT" if j else "SCREENING") for j, day in enumerate(days)]
    frames = {
        "DM": pd.DataFrame(dm, columns=["USUBJID", "SUBJID", "RFSTDTC", "RFENDTC", "SEX", "WEEK8FL", "ENDFL", "ARMCD", "ACTARMCD"]),
        "SV": pd.DataFrame(sv, columns=["USUBJID", "VISITNUM", "VISIT", "SVSTDTC", "EPOCH"]),
    }
    return make_study(**{name: frame.to_dict("list") for name, frame in frames.items()})


def final_results(n: int = 120) -> Study:
    """Six visits of two weeks; glucose is measured at half of them until a row says that it was for the last time, pulse at all.

    A tenth of the pulses was not done, and says so.
    """
    rng = np.random.default_rng(12)
    dm: list[tuple[object, ...]] = []
    sv: list[tuple[object, ...]] = []
    ds: list[tuple[object, ...]] = []
    lb: list[tuple[object, ...]] = []
    vs: list[tuple[object, ...]] = []
    for i in range(n):
        who, start = f"ST-{i:04d}", np.datetime64("2021-01-04") + int(rng.integers(0, 200))
        final = int(rng.integers(1, 5))
        days = [start + 14 * j for j in range(6)]
        dm.append((who, who[3:], str(start), str(days[-1]), "FM"[i % 2], "A"))
        ds += [(who, 1.0, "FINAL GLUCOSE", str(days[final])), (who, 2.0, "COMPLETED", str(days[-1]))]
        for j, day in enumerate(days):
            visit = (float(j + 1), f"VISIT {j + 1}", str(day))
            sv.append((who, *visit))
            done = (i + j) % 10 > 0
            pulse = (float(rng.integers(60, 90)), "") if done else (np.nan, "NOT DONE")
            vs.append((who, float(j + 1), "PULSE", "Pulse", *pulse, *visit))
            if j == final or (j < final and rng.random() < 0.5):
                lb.append((who, float(j + 1), "GLUC", "Glucose", round(float(rng.normal(5.5, 0.6)), 1), *visit))
    frames = {
        "DM": pd.DataFrame(dm, columns=["USUBJID", "SUBJID", "RFSTDTC", "RFENDTC", "SEX", "ARMCD"]),
        "SV": pd.DataFrame(sv, columns=["USUBJID", "VISITNUM", "VISIT", "SVSTDTC"]),
        "DS": pd.DataFrame(ds, columns=["USUBJID", "DSSEQ", "DSDECOD", "DSSTDTC"]),
    }
    for name, rows, more in (("LB", lb, ()), ("VS", vs, ("STAT",))):
        own = [f"{name}{one}" for one in ("SEQ", "TESTCD", "TEST", "STRESN", *more)]
        frames[name] = pd.DataFrame(rows, columns=["USUBJID", *own, "VISITNUM", "VISIT", f"{name}DTC"])
    return make_study(**{name: frame.to_dict("list") for name, frame in frames.items()})


def weights_by_sex(n: int = 48) -> Study:
    """Animals of two groups weighed once a week: males begin 50 g heavier (scatter 8 g); potassium has nothing to do with it."""
    rng = np.random.default_rng(14)
    frames: dict[str, list[tuple[object, ...]]] = {"DM": [], "BW": [], "LB": []}
    for i in range(n):
        who, sex = f"ST-{i:03d}", "FM"[i // 2 % 2]
        start = np.datetime64("2021-03-01") + i % 4
        frames["DM"].append((who, who[3:], str(start), str(start + 28), sex, "CH"[i % 2]))
        weight = rng.normal(210.0 if sex == "M" else 160.0, 8.0) + rng.normal(3.0 - i % 2, 0.3) * np.arange(0, 29, 7)
        for name, test, values in (
            ("BW", "BW", np.round(weight + rng.normal(0, 1, 5), 1)),
            ("LB", "K", np.round(rng.normal(4.4, 0.3) + rng.normal(0, 0.1, 5), 2)),
        ):
            frames[name] += [(who, float(j + 1), test, value, str(start + 7 * j), 7.0 * j + 1) for j, value in enumerate(values)]
    own = {name: [f"{name}{one}" for one in ("SEQ", "TESTCD", "STRESN", "DTC", "DY")] for name in ("BW", "LB")}
    columns = {"DM": ["SUBJID", "RFSTDTC", "RFENDTC", "SEX", "ARMCD"], **own}
    return make_study(
        **{name: pd.DataFrame(rows, columns=["USUBJID", *columns[name]]).to_dict("list") for name, rows in frames.items()}
    )


def events_from_consent(n: int = 120, related: float = 0.0, few: bool = False) -> Study:
    """Two weeks of screening, and eight of treatment for five of six subjects; events are as likely on every day.

    Of those before the first dose a share is `related` and makes the dose be reduced; half of all others are. With `few` only three
    subjects, who have many events, have any before the first dose.
    """
    rng = np.random.default_rng(n)
    consent = np.datetime64("2024-03-04") + rng.integers(0, 200, n)
    treated = np.arange(n) % 6 > 0
    last = consent + np.where(treated, 70, rng.integers(3, 14, n))
    dose = consent + 14
    often = few & (np.arange(n) % 40 == 1)
    who, day = np.nonzero(rng.random((n, 71)) < np.where(often, 0.3, 0.04)[:, None])
    real = (consent[who] + day <= last[who]) & ~(few & (consent[who] + day < dose[who]) & ~often[who])
    who, start = who[real], (consent[who] + day)[real]
    told = rng.random(len(who)) < np.where(treated[who] & (start >= dose[who]), 0.5, related)
    first = np.where(treated, dose.astype(str), "")
    names = np.array([f"ST-{i:03d}" for i in range(n)], object)
    subjects = {
        "USUBJID": names,
        "RFSTDTC": first,
        "RFXSTDTC": first,
        "RFICDTC": consent.astype(str),
        "RFPENDTC": last.astype(str),
        "ARM": np.where(treated, "DRUG", ""),
    }
    events = {
        "USUBJID": names[who],
        "AETERM": rng.choice(["HEADACHE", "NAUSEA", "RASH", "COUGH", "FATIGUE", "DIZZINESS", "INSOMNIA", "BACK PAIN"], len(who)),
        "AESTDTC": start.astype(str),
        "AEREL": np.where(told, "POSSIBLE", "NONE"),
        "AEACN": np.where(told, "DOSE REDUCED", np.where(start < dose[who], "NOT APPLICABLE", "DOSE NOT CHANGED")),
    }
    return make_study(DM=subjects, AE=events)


def commented(n: int = 80) -> Study:
    """Subjects with three events each; severe ones are commented on a day later, most alike, and a third of the subjects are."""
    ids = [f"ST-{i:03d}" for i in range(n)]
    first = [np.datetime64("2020-01-01") + 3 * i for i in range(n)]
    events = [(i, j) for i in range(n) for j in range(3)]
    severe = [(i * 7 + j * 3) % 5 == 0 for i, j in events]
    start = [first[i] + 10 * (j + 1) + i % 4 for i, j in events]
    on_events = [(i, "AE", "AESEQ", str(j + 1), day + 1) for (i, j), bad, day in zip(events, severe, start, strict=True) if bad]
    on_subjects = [(i, "DM", "", "", first[i]) for i in range(0, n, 3)]
    rows = sorted(on_events + on_subjects, key=lambda row: row[:4])
    number = [sum(row[0] == one[0] for row in rows[:at]) + 1.0 for at, one in enumerate(rows)]
    words = ["SEEN AGAIN" if domain == "AE" else f"REMARK {i}" for i, domain, *_ in rows]
    return make_study(
        DM={
            "USUBJID": ids,
            "SUBJID": [one[3:] for one in ids],
            "RFSTDTC": [str(day) for day in first],
            "SEX": list("MF") * (n // 2),
        },
        AE={
            "USUBJID": [ids[i] for i, _ in events],
            "AESEQ": [j + 1.0 for _, j in events],
            "AEDECOD": [("RASH", "COUGH", "FALL")[(i + j) % 3] for i, j in events],
            "AESEV": ["SEVERE" if bad else "MILD" for bad in severe],
            "AESTDTC": [str(day) for day in start],
        },
        CO={
            "DOMAIN": ["CO"] * len(rows),
            "RDOMAIN": [row[1] for row in rows],
            "USUBJID": [ids[row[0]] for row in rows],
            "COSEQ": number,
            "IDVAR": [row[2] for row in rows],
            "IDVARVAL": [row[3] for row in rows],
            "COVAL": words,
            "COEVAL": ["INVESTIGATOR"] * len(rows),
            "CODTC": [str(row[4]) for row in rows],
            "CODY": [float((row[4] - first[row[0]]).astype(int)) + 1 for row in rows],
        },
    )


DOSES_OF_ARMS = {"A": (0, 0), "B": (10, 10), "C": (10, 20)}  # of a titration of a fortnight, and after it
LAST_DOSE = 84


def doses_again(n: int = 36, again: int = 6) -> Study:
    """Three arms with two doses each, and some subjects, the first, with a third, which is their first one again: for a reason."""

    def iso(day: int) -> str:
        return str(np.datetime64("2021-03-01") + day)

    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("DM", "EX", "SV")}
    for i in range(n):
        who, start, arm = f"ST-{i:03d}", 5 * i, "ABC"[i % 3]
        rows["DM"].append(
            {
                "USUBJID": who,
                "SUBJID": who[3:],
                "RFSTDTC": iso(start),
                "RFENDTC": iso(start + LAST_DOSE),
                "ARMCD": arm,
                "ARM": f"{arm} {max(DOSES_OF_ARMS[arm])} mg",
            }
        )
        rows["SV"] += [
            {"USUBJID": who, "VISITNUM": number, "SVSTDTC": iso(start + day)} for number, day in ((1, 0), (2, 28), (3, LAST_DOSE))
        ]
        doses = [(DOSES_OF_ARMS[arm][0], 0, 13), (DOSES_OF_ARMS[arm][1], 14, LAST_DOSE)]
        if i < again:
            stop = 30 + 7 * i
            doses[1:] = [(DOSES_OF_ARMS[arm][1], 14, stop - 1), (DOSES_OF_ARMS[arm][0], stop, LAST_DOSE)]
        for at, (dose, first, last) in enumerate(doses):
            why = "ADVERSE EVENT" if at == 2 else ""
            dates = {"EXSTDTC": iso(start + first), "EXENDTC": iso(start + last)}
            rows["EX"].append({"USUBJID": who, "EXTRT": "X" if dose else "P", "EXDOSE": dose, "EXADJ": why, **dates})
    return make_study(**{name: pd.DataFrame(some).to_dict("list") for name, some in rows.items()})


def deaths_told_twice() -> Study:
    """Forty subjects with two rows of disposition: three die, two of them in both rows."""
    n = 40
    who = [f"ST-{i:04d}" for i in range(n)]
    dead = np.isin(np.arange(n), [3, 11, 25])
    end = np.arange(n) * 5 % 100 + np.random.default_rng(4).integers(20, 90, n)
    day = [str(np.datetime64("2020-01-01") + int(one)) for one in end]
    dm = {
        "USUBJID": who,
        "RFSTDTC": [str(np.datetime64("2020-01-01") + i * 5 % 100) for i in range(n)],
        "RFENDTC": day,
        "DTHDTC": np.where(dead, day, ""),
        "DTHFL": np.where(dead, "Y", ""),
    }
    reason = np.where(dead, "DEATH", np.where(np.arange(n) % 2 == 0, "COMPLETED", "ADVERSE EVENT"))
    of_treatment = np.where(np.arange(n) == 3, "ADVERSE EVENT", reason)
    ds = {
        "USUBJID": np.repeat(who, 2),
        "DSSEQ": np.tile([1, 2], n),
        "DSDECOD": np.stack([of_treatment, reason], axis=1).ravel(),
        "DSSCAT": np.tile(["STUDY TREATMENT", "STUDY PARTICIPATION"], n),
        "DSSTDTC": np.repeat(day, 2),
    }
    return make_study(DM=pd.DataFrame(dm).to_dict("list"), DS=pd.DataFrame(ds).to_dict("list"))
