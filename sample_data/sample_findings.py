"""Findings of the sample study: vital signs, laboratory, ECG, questionnaires, characteristics, criteria not met."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from sample_subjects import EARLY, FOLLOW_UP, LIVER, SCREEN_FAILURES, STUDY, Subject, iso

Row: TypeAlias = dict[str, str | float]

VS_TESTS = {
    "SYSBP": ("Systolic Blood Pressure", "mmHg"),
    "DIABP": ("Diastolic Blood Pressure", "mmHg"),
    "PULSE": ("Pulse Rate", "beats/min"),
    "TEMP": ("Temperature", "C"),
    "WEIGHT": ("Weight", "kg"),
    "HEIGHT": ("Height", "cm"),
}
LB_TESTS = {
    # code: test, category, specimen, conventional unit, SI unit, factor, decimals, low and high in SI units (women, men)
    "ALT": ("Alanine Aminotransferase", "CHEMISTRY", "SERUM", "U/L", "U/L", 1.0, 0, (6, 34), (6, 45)),
    "AST": ("Aspartate Aminotransferase", "CHEMISTRY", "SERUM", "U/L", "U/L", 1.0, 0, (8, 32), (8, 40)),
    "BILI": ("Bilirubin", "CHEMISTRY", "SERUM", "mg/dL", "umol/L", 17.1, 1, (3.42, 20.52), (3.42, 20.52)),
    "CREAT": ("Creatinine", "CHEMISTRY", "SERUM", "mg/dL", "umol/L", 88.4, 2, (44.2, 97.24), (53.04, 114.92)),
    "GLUC": ("Glucose", "CHEMISTRY", "SERUM", "mg/dL", "mmol/L", 0.0555, 0, (3.885, 5.55), (3.885, 5.55)),
    "K": ("Potassium", "CHEMISTRY", "SERUM", "mEq/L", "mmol/L", 1.0, 1, (3.5, 5.1), (3.5, 5.1)),
    "CRP": ("C Reactive Protein", "CHEMISTRY", "SERUM", "mg/dL", "mg/L", 10.0, 1, (0, 5), (0, 5)),
    "HBA1C": ("Hemoglobin A1C", "CHEMISTRY", "BLOOD", "%", "%", 1.0, 1, (4.0, 6.0), (4.0, 6.0)),
    "HGB": ("Hemoglobin", "HEMATOLOGY", "BLOOD", "g/dL", "g/L", 10.0, 1, (118, 158), (132, 173)),
    "WBC": ("Leukocytes", "HEMATOLOGY", "BLOOD", "10^9/L", "10^9/L", 1.0, 1, (4.0, 10.5), (4.0, 10.5)),
    "UPROT": ("Protein, Urine", "URINALYSIS", "URINE", "", "", 1.0, 0, (0, 0), (0, 0)),
    "UKETO": ("Ketones, Urine", "URINALYSIS", "URINE", "", "", 1.0, 0, (0, 0), (0, 0)),
}
EG_TESTS = {"HR": ("Heart Rate", "beats/min"), "PR": ("PR Interval", "msec"), "QTCF": ("QTcF Interval", "msec")} | {
    "INTP": ("Interpretation", "")
}
SYMPTOMS = ("Headache", "Dizziness", "Swollen Ankles", "Shortness of Breath", "Hindered at Work")
GRADES = ("None", "Slight", "Moderate", "Severe", "Unbearable")
GLOBAL = ("VERY MUCH IMPROVED", "MUCH IMPROVED", "MINIMALLY IMPROVED", "NO CHANGE", "MINIMALLY WORSE", "MUCH WORSE")
US_UNITS = {"TEMP": ("F", 1.8, 32.0), "WEIGHT": ("LB", 2.20462, 0.0), "HEIGHT": ("in", 1 / 2.54, 0.0)}


def _base(subject: Subject, domain: str, visit: tuple[float, str, int, int], minute: float | None) -> Row:
    number, name, date, _ = visit
    return {
        "STUDYID": STUDY,
        "DOMAIN": domain,
        "USUBJID": subject.usubjid,
        "VISITNUM": number,
        "VISIT": name,
        "EPOCH": subject.epoch(date),
        f"{domain}DTC": iso(date, minute),
        f"{domain}DY": subject.day(date),
    }


def text(value: float, decimals: int) -> str:
    """Write a result with its decimals."""
    return f"{value:.{decimals}f}"


def _response(subject: Subject, date: float) -> float:
    """Share of the full effect on a date, from 0 to about 1.4: grows over weeks with the dose, ends with it."""
    if subject.first_dose is None or date <= subject.first_dose:
        return 0.0
    drug = {0.0: 0.0, 50.0: 0.6, 100.0: 1.0}[subject.dose(min(date, subject.last_dose or date))]
    drug *= 1.0 + 0.25 * subject.traits["effect"]
    off = 0.35 if subject.epoch(date) == "FOLLOW-UP" and date > (subject.last_dose or 0) + 3 else 1.0
    return drug * off * (1 - float(np.exp(-(date - subject.first_dose) / 14.0)))


def _placebo(subject: Subject, date: float) -> float:
    return (
        0.0 if subject.first_dose is None or date <= subject.first_dose else 1 - float(np.exp(-(date - subject.first_dose) / 10.0))
    )


def vital_signs(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """Blood pressure and pulse lying and standing at every visit; temperature, weight, height; some not done."""
    rows: list[Row] = []
    for subject in subjects:
        t = subject.traits
        tall = (178 if subject.sex == "M" else 165) + 6.5 * rng.standard_normal()
        heavy = (24 + 3.4 * t["size"] + 2.5) * (tall / 100) ** 2
        german = subject.site.startswith("DE")
        for visit in subject.visits:
            number, _, date, _ = visit
            minute = float(rng.integers(450, 640)) if german and number != FOLLOW_UP else None
            drift = rng.standard_normal()
            systolic = 152 + 7 * t["pressure"] + 5 * drift - 14 * _response(subject, date) - 4 * _placebo(subject, date)
            if number == 1.0:
                systolic = float(np.clip(systolic, 144, 174)) - 24 * (SCREEN_FAILURES.get(subject.order) == "IN02")
            diastolic = 92 + 4 * t["pressure"] + 3 * drift - 8 * _response(subject, date) - 2 * _placebo(subject, date)
            pulse = 73 + 7 * t["pulse"] + 3 * rng.standard_normal() + 4 * _response(subject, date)
            values: list[tuple[str, float, float, str]] = []
            for place, position, rise in ((1.0, "SUPINE", 0.0), (2.0, "STANDING", 1.0))[: 1 if number == FOLLOW_UP else 2]:
                values += [
                    ("SYSBP", systolic - 4 * rise * (1 + _response(subject, date)) + 2 * rng.standard_normal(), place, position),
                    ("DIABP", diastolic + 2 * rise + 1.5 * rng.standard_normal(), place, position),
                    ("PULSE", pulse + 6 * rise + 2 * rng.standard_normal(), place, position),
                ]
            if number != FOLLOW_UP:
                values.append(("TEMP", 36.6 + 0.25 * rng.standard_normal(), 0.0, ""))
                fluid = 0.8 * _response(subject, date)
                values.append(("WEIGHT", heavy + fluid + 0.5 * rng.standard_normal(), 0.0, ""))
            if number == 1.0:
                values.append(("HEIGHT", tall, 0.0, ""))
            skipped = rng.random() < 0.03
            for code, value, place, position in values:
                row = _base(subject, "VS", visit, minute)
                row |= {"VSTESTCD": code, "VSTEST": VS_TESTS[code][0], "VSPOS": position}
                if place:
                    row |= {"VSTPT": "LYING 5 MIN" if place == 1 else "STANDING 3 MIN", "VSTPTNUM": place}
                if (skipped and position == "STANDING") or (code == "WEIGHT" and rng.random() < 0.02):
                    reason = "SUBJECT UNABLE TO STAND" if position else "SCALE NOT AVAILABLE"
                    rows.append(row | {"VSSTAT": "NOT DONE", "VSREASND": reason})
                    continue
                unit, decimals = VS_TESTS[code][1], 1 if code in ("TEMP", "WEIGHT") else 0
                if subject.site == "US41" and code in US_UNITS:
                    foreign, factor, shift = US_UNITS[code]
                    result = text(value * factor + shift, 1)
                    standard = round((float(result) - shift) / factor, 1)
                    row |= {"VSORRES": result, "VSORRESU": foreign}
                else:
                    result = text(value, decimals)
                    standard = float(result)
                    row |= {"VSORRES": result, "VSORRESU": unit}
                row |= {"VSSTRESC": f"{standard:g}", "VSSTRESN": standard, "VSSTRESU": unit}
                if number == 2.0:
                    row["VSBLFL"] = "Y"
                rows.append(row)
    return rows


def _concentration(subject: Subject, code: str, date: float, noise: float) -> float:
    """Value of a laboratory test in SI units."""
    t, man, drug = subject.traits, subject.sex == "M", _response(subject, date)
    injury = 0.0
    if subject.key in LIVER:
        injury = 1.6 * float(np.exp(-(((date - subject.date(LIVER[subject.key])) / 9.0) ** 2)))
    if SCREEN_FAILURES.get(subject.order) == "EX01":
        injury = 2.2
    return {
        "ALT": float(np.exp(np.log(24 if man else 19) + 0.32 * t["liver"] + 0.16 * noise + injury)),
        "AST": float(np.exp(np.log(24 if man else 20) + 0.24 * t["liver"] + 0.14 * noise + 0.8 * injury)),
        "BILI": float(np.exp(np.log(9) + 0.45 * t["heart"] + 0.2 * noise + 0.3 * injury)),
        "CREAT": (82 if man else 68) * float(np.exp(0.14 * t["kidney"] + 0.05 * noise)) + 4 * drug,
        "GLUC": 5.6 * float(np.exp(0.2 * t["sugar"] + 0.08 * noise)) - 0.2 * drug,
        "K": 4.3 + 0.22 * t["kidney"] + 0.2 * noise + 0.25 * drug,
        "CRP": float(np.exp(0.9 + 0.9 * t["inflammation"] + 0.5 * noise)),
        "HBA1C": 6.0 + 0.7 * t["sugar"] + 0.12 * noise - 0.15 * drug,
        "HGB": (150 if man else 136) + 9 * t["blood"] + 3 * noise - 2 * drug,
        "WBC": 6.6 * float(np.exp(0.18 * t["inflammation"] + 0.1 * noise)),
    }[code]


def laboratory(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """Three panels at most visits; units by laboratory; limits of quantification; urine in words; a pool without subject."""
    rows: list[Row] = []
    for subject in subjects:
        si = subject.site in ("FR11", "PL22")
        for visit in subject.visits:
            number, _, date, _ = visit
            if number in (3.0, FOLLOW_UP):
                continue
            minute = float(rng.integers(430, 620)) if rng.random() < 0.6 else None
            codes = [code for code in LB_TESTS if code != "HBA1C" or number in (1.0, 6.0, EARLY)]
            if number % 1:
                codes = ["ALT", "AST", "BILI", "CREAT", "K"]
            lost = "K" if rng.random() < 0.05 else "URINE" if rng.random() < 0.04 else ""
            for code in codes:
                test, category, specimen, conventional, standard_unit, factor, decimals, women, men = LB_TESTS[code]
                low, high = men if subject.sex == "M" else women
                row = _base(subject, "LB", visit, minute)
                row |= {"LBTESTCD": code, "LBTEST": test, "LBCAT": category, "LBSPEC": specimen}
                row |= {"LBNAM": "CENTRAL LAB WARSAW" if si else "CENTRAL LAB MAINZ", "LBFAST": "Y" if number != 5.0 else ""}
                if lost in (code, specimen):
                    reason = "SAMPLE HAEMOLYSED" if lost == "K" else "NO SAMPLE OBTAINED"
                    rows.append(row | {"LBSTAT": "NOT DONE", "LBREASND": reason})
                    continue
                if subject.randomised and number == (1.0 if code == "HBA1C" else 2.0):
                    row["LBBLFL"] = "Y"
                if category == "URINALYSIS":
                    rows.append(row | _urine(subject, code, rng))
                    continue
                unit, factor = (standard_unit, 1.0) if si else (conventional, factor)
                places = {"BILI": 1, "CREAT": 0, "GLUC": 1, "CRP": 0, "HGB": 0}.get(code, decimals) if si else decimals
                value = _concentration(subject, code, date, rng.standard_normal()) / factor
                limit = {"CRP": 0.2, "BILI": 0.2}.get(code, 0.0) * (1.0 if not si else LB_TESTS[code][5])
                row |= {
                    "LBORRESU": unit,
                    "LBSTRESU": standard_unit,
                    "LBORNRLO": f"{low / factor:g}",
                    "LBORNRHI": f"{high / factor:g}",
                }
                row |= {"LBSTNRLO": float(low), "LBSTNRHI": float(high)}
                if value < limit:
                    rows.append(row | {"LBORRES": f"<{limit:g}", "LBSTRESC": f"<{limit * factor:g}", "LBNRIND": "NORMAL"})
                    continue
                result = text(value, places)
                standard = float(result) * factor
                row |= {"LBORRES": result, "LBSTRESC": f"{round(standard, 4):g}", "LBSTRESN": standard}
                row["LBNRIND"] = "LOW" if standard < low else "HIGH" if standard > high else "NORMAL"
                rows.append(row)
    date = subjects[8].visits[0][2]
    for code, result in (("ALT", "42"), ("CREAT", "1.02")):
        test, category, specimen, unit, standard_unit, factor, _, _, _ = LB_TESTS[code]
        pool: Row = {"STUDYID": STUDY, "DOMAIN": "LB", "USUBJID": "", "POOLID": "POOL-01", "LBTESTCD": code, "LBTEST": test}
        pool |= {"LBCAT": category, "LBSPEC": specimen, "LBORRES": result, "LBORRESU": unit, "LBNAM": "CENTRAL LAB MAINZ"}
        standard = float(result) * factor
        rows.append(pool | {"LBSTRESC": f"{standard:g}", "LBSTRESN": standard, "LBSTRESU": standard_unit, "LBDTC": iso(date)})
    return rows


def _urine(subject: Subject, code: str, rng: np.random.Generator) -> Row:
    strength = (0.8 * subject.traits["kidney"] if code == "UPROT" else 0.8 * subject.traits["sugar"]) + 0.6 * rng.standard_normal()
    level = int(np.searchsorted([0.9, 1.5, 2.1], strength))
    word = ("NEGATIVE", "TRACE", "1+", "2+")[level]
    return {"LBORRES": word, "LBSTRESC": word, "LBNRIND": "NORMAL" if level < 2 else "ABNORMAL"}


def ecg(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """Heart rate, intervals and an interpretation that follows from them."""
    rows: list[Row] = []
    for subject in subjects:
        t = subject.traits
        for visit in subject.visits:
            number, _, date, _ = visit
            if number not in (1.0, 2.0, 5.0, 6.0, EARLY):
                continue
            drug = _response(subject, date)
            rate = 69 + 8 * t["pulse"] + 3 * rng.standard_normal() + 4 * drug
            values = {"HR": rate, "PR": 162 + 16 * t["heart"] + 5 * rng.standard_normal()}
            values["QTCF"] = (405 if subject.sex == "M" else 418) + 12 * t["effect"] + 6 * rng.standard_normal() + 7 * drug
            words = "SINUS BRADYCARDIA" if rate < 56 else "FIRST DEGREE AV BLOCK" if values["PR"] > 198 else "NORMAL"
            for code, (test, unit) in EG_TESTS.items():
                row = _base(subject, "EG", visit, float(rng.integers(480, 640)) if number == 2.0 else None)
                row |= {"EGTESTCD": code, "EGTEST": test, "EGPOS": "SUPINE", "EGMETHOD": "12 LEAD STANDARD"}
                if number == 2.0:
                    row["EGBLFL"] = "Y"
                if code == "INTP":
                    rows.append(row | {"EGORRES": words, "EGSTRESC": words, "EGEVAL": "INVESTIGATOR"})
                    continue
                value = float(round(values[code]))
                rows.append(
                    row | {"EGORRES": f"{value:g}", "EGORRESU": unit, "EGSTRESC": f"{value:g}", "EGSTRESN": value, "EGSTRESU": unit}
                )
    return rows


def symptoms(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """Five graded symptoms and their sum; the question about work is answered NA by those who do not work."""
    rows: list[Row] = []
    for subject in subjects:
        for visit in subject.visits:
            number, _, date, _ = visit
            if number not in (2.0, 4.0, 5.0, 6.0, EARLY) or not subject.randomised:
                continue
            drug, total, answered = _response(subject, date), 0, True
            for item, words in enumerate(SYMPTOMS, 1):
                latent = 0.9 + 0.7 * subject.traits["mood"] + 0.6 * rng.standard_normal() - 0.5 * _placebo(subject, date)
                latent += {1: -0.5, 2: 0.1, 3: 0.6, 4: -0.2, 5: -0.3}[item] * drug
                grade = int(np.clip(np.floor(latent + 0.5), 0, 4))
                row = _base(subject, "QS", visit, None) | {
                    "QSTESTCD": f"SYM10{item}",
                    "QSTEST": f"SYM1-{words}",
                    "QSCAT": "SYMPTOM SCALE 1",
                }
                if number == 2.0:
                    row["QSBLFL"] = "Y"
                if item == 5 and not subject.traits["employed"]:
                    rows.append(row | {"QSORRES": "NA", "QSSTRESC": "NA"})
                    continue
                if rng.random() < 0.015:
                    answered = False
                    rows.append(row | {"QSSTAT": "NOT DONE", "QSREASND": "QUESTION LEFT OPEN"})
                    continue
                total += grade
                rows.append(row | {"QSORRES": GRADES[grade], "QSSTRESC": f"{grade}", "QSSTRESN": float(grade)})
            if answered:
                row = _base(subject, "QS", visit, None) | {
                    "QSTESTCD": "SYM1TOT",
                    "QSTEST": "SYM1-Total Score",
                    "QSCAT": "SYMPTOM SCALE 1",
                }
                row |= {"QSORRES": f"{total}", "QSSTRESC": f"{total}", "QSSTRESN": float(total), "QSDRVFL": "Y"}
                rows.append(row | ({"QSBLFL": "Y"} if number == 2.0 else {}))
    return rows


def global_impression(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """One graded answer at the visits under treatment."""
    rows: list[Row] = []
    for subject in subjects:
        for visit in subject.visits:
            if visit[0] not in (4.0, 5.0, 6.0, EARLY) or not subject.randomised:
                continue
            latent = 2.6 + 0.6 * subject.traits["mood"] + 0.6 * rng.standard_normal() - 1.3 * _response(subject, visit[2])
            grade = int(np.clip(round(latent + 2.0 * (subject.reason == "LACK OF EFFICACY")), 0, 5))
            row = _base(subject, "QS", visit, None) | {"QSTESTCD": "PGIC01", "QSTEST": "Patient Global Impression of Change"}
            row |= {
                "QSCAT": "PATIENT GLOBAL IMPRESSION",
                "QSORRES": GLOBAL[grade],
                "QSSTRESC": f"{grade + 1}",
                "QSSTRESN": grade + 1.0,
            }
            rows.append(row)
    return rows


def characteristics(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """Marital status, education, employment."""
    rows: list[Row] = []
    for subject in subjects:
        married = str(rng.choice(["MARRIED", "NEVER MARRIED", "DIVORCED", "WIDOWED"], p=[0.6, 0.15, 0.15, 0.1]))
        school = str(rng.choice(["SECONDARY SCHOOL", "VOCATIONAL TRAINING", "UNIVERSITY DEGREE"], p=[0.3, 0.45, 0.25]))
        work = "EMPLOYED" if subject.traits["employed"] else "RETIRED" if subject.age >= 60 else "NOT EMPLOYED"
        for code, test, answer in (
            ("MARISTAT", "Marital Status", married),
            ("EDULEVEL", "Level of Education Attained", school),
            ("EMPSTAT", "Employment Status", work),
        ):
            row: Row = {"STUDYID": STUDY, "DOMAIN": "SC", "USUBJID": subject.usubjid, "SCTESTCD": code, "SCTEST": test}
            rows.append(
                row | {"SCORRES": answer, "SCSTRESC": answer, "SCDTC": iso(subject.consent), "SCDY": subject.day(subject.consent)}
            )
    return rows


def criteria_not_met(subjects: list[Subject], criteria: dict[str, tuple[str, str]]) -> list[Row]:
    """One row for each subject who failed screening."""
    rows: list[Row] = []
    for subject in subjects:
        if subject.randomised:
            continue
        code = SCREEN_FAILURES[subject.order]
        words, category = criteria[code]
        answer = "N" if category == "INCLUSION" else "Y"
        row = _base(subject, "IE", subject.visits[0], None) | {"IETESTCD": code, "IETEST": words, "IECAT": category}
        rows.append(row | {"IEORRES": answer, "IESTRESC": answer})
    return rows
