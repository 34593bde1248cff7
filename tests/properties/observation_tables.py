"""Tables of a generated study that tell what was observed: results, events, medication, and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .blueprint import Blueprint, Cohort, dates_text, numbered

TERMS = {
    "HEADACHE": "NERVOUS SYSTEM",
    "DIZZINESS": "NERVOUS SYSTEM",
    "NAUSEA": "GASTROINTESTINAL",
    "VOMITING": "GASTROINTESTINAL",
    "RASH": "SKIN",
}
DRUGS = {"ASPIRIN": "ANALGESICS", "IBUPROFEN": "ANALGESICS", "METFORMIN": "ANTIDIABETICS"}


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


def vital_signs(blueprint: Blueprint, cohort: Cohort, visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
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
    return numbered(frame, "VSSEQ", ["VSTESTCD", "VISITNUM"])


def laboratory(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = len(visits)
    alt = np.exp(_by_subject(visits, lambda m: rng.normal(3.1, 0.4, m)) + rng.normal(0, 0.2, n))
    frames = [
        _results(visits, "LB", "ALT", "Alanine Aminotransferase", np.round(alt), "U/L"),
        _results(visits, "LB", "K", "Potassium", np.round(rng.normal(4.2, 0.3, n), 1), "mmol/L"),
    ]
    frames[0]["LBORNRHI"], frames[1]["LBORNRHI"] = "40", "5.1"
    return numbered(pd.concat(frames), "LBSEQ", ["LBTESTCD", "VISITNUM"])


def questions(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
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
    return numbered(frame, "QSSEQ", ["QSTESTCD", "VISITNUM"])


def adverse_events(blueprint: Blueprint, cohort: Cohort, head: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    terms = np.array(list(TERMS), object)
    chance = np.stack([np.full(blueprint.n, 0.3)] * 4 + [np.array(blueprint.rash)[cohort.arm]], axis=1)
    subject, term = np.nonzero(rng.random(chance.shape) < chance)
    start = cohort.anchor[subject] + (rng.random(len(subject)) * (cohort.left[subject] + 1)).astype(int)
    stop = np.minimum(start + rng.geometric(0.2, len(subject)), cohort.anchor[subject] + cohort.left[subject])
    open_still = rng.random(len(subject)) < 0.2
    begin = dates_text(start)
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
            "AEENDTC": np.where(open_still, "", dates_text(stop)),
        }
    )
    frame["AEDTC"] = dates_text(start + 2)
    frame = numbered(frame, "AESEQ", ["AEDTC"])
    frame["AESPID"] = [f"E{number:02.0f}" for number in frame["AESEQ"]]
    death = frame["USUBJID"].map(head.set_index("USUBJID")["DTHDTC"]).fillna("")
    last = ~frame["USUBJID"].duplicated(keep="last") & (death != "")
    frame.loc[last, "AEOUT"], frame.loc[last, "AEENDTC"] = "FATAL", death[last]
    return frame


def clinical_events(visits: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
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
    return numbered(pd.concat(frames), "CESEQ", ["CETERM", "VISITNUM"])


def criteria(cohort: Cohort) -> pd.DataFrame:
    """Three subjects did not meet a criterion, each another one: too few to learn from."""
    who = cohort.ids[: min(3, len(cohort.ids))]
    codes = [f"EXCL0{i + 1}" for i in range(len(who))]
    frame = pd.DataFrame({"USUBJID": who, "IETESTCD": codes, "IETEST": [f"Criterion {i + 1}" for i in range(len(who))]})
    frame["IEORRES"], frame["IESTRESC"] = "Y", "Y"
    frame["IEDTC"] = dates_text(cohort.anchor[: len(who)] - 1)
    return numbered(frame, "IESEQ", ["IETESTCD"])


def medication(cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
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
            "CMINDC": np.array(["HEADACHE", "PAIN", "DIABETES"], object)[drug],
            "CMSTDTC": [one[:4] if i % 5 == 0 else one for i, one in enumerate(dates_text(start))],
        }
    )
    return numbered(frame, "CMSEQ", ["CMTRT"])


def history(cohort: Cohort, rng: np.random.Generator) -> pd.DataFrame:
    terms = np.array(["HYPERTENSION", "ASTHMA", "MIGRAINE"], object)
    subject, term = np.nonzero(rng.random((len(cohort.ids), 3)) < 0.35)
    year = (2021 - rng.integers(1, 20, len(subject))).astype(str)
    frame = pd.DataFrame({"USUBJID": cohort.ids[subject], "MHTERM": terms[term], "MHSTDTC": year})
    return numbered(frame, "MHSEQ", ["MHTERM"])


def supplement(events: pd.DataFrame, rng: np.random.Generator, unique: bool) -> pd.DataFrame:
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


def relations(events: pd.DataFrame, drugs: pd.DataFrame) -> pd.DataFrame:
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
