"""Events and interventions of the sample study: exposure, disposition, adverse events, history, medication; visits, elements."""

from __future__ import annotations

import numpy as np
from sample_findings import Row
from sample_subjects import INTERRUPTED, LIVER, REDUCED, STUDY, VISITS, Subject, iso

EVENTS = {
    # term: class, texts as reported, mean number in 14 weeks on placebo, factor low, factor high, mean days, chance of not mild
    "HEADACHE": ("NERVOUS SYSTEM DISORDERS", ("Headache", "HEADACHE", "Headaches, both sides"), 0.34, 0.9, 0.7, 3, 0.3),
    "DIZZINESS": ("NERVOUS SYSTEM DISORDERS", ("Dizziness", "dizzy when standing up", "DIZZINESS"), 0.10, 2.0, 4.0, 6, 0.3),
    "NASOPHARYNGITIS": ("INFECTIONS AND INFESTATIONS", ("Common cold", "COLD", "Nasopharyngitis"), 0.30, 1.0, 1.0, 8, 0.15),
    "URINARY TRACT INFECTION": ("INFECTIONS AND INFESTATIONS", ("Urinary tract infection", "UTI"), 0.10, 1.0, 1.0, 8, 0.6),
    "OEDEMA PERIPHERAL": (
        "GENERAL DISORDERS AND ADMINISTRATION SITE CONDITIONS",
        ("Swollen ankles", "Ankle oedema both sides", "PERIPHERAL EDEMA"),
        0.04,
        4.0,
        12.0,
        25,
        0.4,
    ),
    "FATIGUE": (
        "GENERAL DISORDERS AND ADMINISTRATION SITE CONDITIONS",
        ("Fatigue", "Tiredness", "FATIGUE"),
        0.16,
        1.2,
        1.5,
        14,
        0.3,
    ),
    "NAUSEA": ("GASTROINTESTINAL DISORDERS", ("Nausea", "NAUSEA"), 0.14, 1.2, 1.4, 4, 0.25),
    "DIARRHOEA": ("GASTROINTESTINAL DISORDERS", ("Diarrhoea", "LOOSE STOOLS"), 0.14, 1.0, 1.1, 3, 0.3),
    "BACK PAIN": ("MUSCULOSKELETAL AND CONNECTIVE TISSUE DISORDERS", ("Back pain", "LOW BACK PAIN"), 0.16, 1.0, 1.0, 12, 0.5),
    "COUGH": ("RESPIRATORY, THORACIC AND MEDIASTINAL DISORDERS", ("Cough", "DRY COUGH"), 0.09, 1.3, 1.5, 12, 0.2),
    "PALPITATIONS": ("CARDIAC DISORDERS", ("Palpitations", "heart racing"), 0.06, 1.8, 2.6, 3, 0.3),
    "FLUSHING": ("VASCULAR DISORDERS", ("Flushing", "Hot flushes of the face"), 0.03, 3.0, 6.0, 10, 0.1),
    "HYPOTENSION": ("VASCULAR DISORDERS", ("Low blood pressure", "HYPOTENSION"), 0.01, 4.0, 9.0, 5, 0.6),
    "PRURITUS": ("SKIN AND SUBCUTANEOUS TISSUE DISORDERS", ("Itching", "ITCHY SKIN, arms"), 0.07, 1.0, 1.2, 9, 0.1),
    "INSOMNIA": ("PSYCHIATRIC DISORDERS", ("Sleeplessness", "INSOMNIA"), 0.08, 1.0, 1.0, 16, 0.3),
}
HISTORY = {
    # term: class, text, chance, mean years before consent
    "TYPE 2 DIABETES MELLITUS": ("METABOLISM AND NUTRITION DISORDERS", "Diabetes type 2", 0.25, 7),
    "HYPERCHOLESTEROLAEMIA": ("METABOLISM AND NUTRITION DISORDERS", "High cholesterol", 0.4, 8),
    "HYPOTHYROIDISM": ("ENDOCRINE DISORDERS", "Hypothyroidism", 0.14, 12),
    "OSTEOARTHRITIS": ("MUSCULOSKELETAL AND CONNECTIVE TISSUE DISORDERS", "Osteoarthritis of the knee", 0.25, 9),
    "SEASONAL ALLERGY": ("IMMUNE SYSTEM DISORDERS", "Hay fever", 0.2, 25),
    "APPENDICECTOMY": ("SURGICAL AND MEDICAL PROCEDURES", "Appendectomy", 0.2, 35),
    "CHOLECYSTECTOMY": ("SURGICAL AND MEDICAL PROCEDURES", "Gallbladder removed", 0.1, 12),
    "DEPRESSION": ("PSYCHIATRIC DISORDERS", "Depression", 0.12, 10),
    "MIGRAINE": ("NERVOUS SYSTEM DISORDERS", "Migraine", 0.12, 20),
    "GASTROOESOPHAGEAL REFLUX DISEASE": ("GASTROINTESTINAL DISORDERS", "Reflux", 0.22, 6),
}
SURGERY = "SURGICAL AND MEDICAL PROCEDURES"
MEDICINES = {
    # name: text, class, dose, unit, frequency, indication
    "METFORMIN": ("Metformin", "ALIMENTARY TRACT AND METABOLISM", 850.0, "mg", "BID", "DIABETES"),
    "SIMVASTATIN": ("Simvastatin", "CARDIOVASCULAR SYSTEM", 20.0, "mg", "QD", "HIGH CHOLESTEROL"),
    "LEVOTHYROXINE SODIUM": ("L-Thyroxin", "SYSTEMIC HORMONAL PREPARATIONS", 75.0, "ug", "QD", "HYPOTHYROIDISM"),
    "IBUPROFEN": ("Ibuprofen", "MUSCULO-SKELETAL SYSTEM", 400.0, "mg", "PRN", "PAIN"),
    "CETIRIZINE": ("Cetirizine", "RESPIRATORY SYSTEM", 10.0, "mg", "PRN", "HAY FEVER"),
    "SERTRALINE": ("Sertraline", "NERVOUS SYSTEM", 50.0, "mg", "QD", "DEPRESSION"),
    "OMEPRAZOLE": ("Omeprazole", "ALIMENTARY TRACT AND METABOLISM", 20.0, "mg", "QD", "REFLUX"),
    "PARACETAMOL": ("Paracetamol", "NERVOUS SYSTEM", 500.0, "mg", "PRN", "HEADACHE"),
    "AMLODIPINE": ("Amlodipine", "CARDIOVASCULAR SYSTEM", 5.0, "mg", "QD", "HYPERTENSION"),
    "NITROFURANTOIN": ("Nitrofurantoin", "ANTIINFECTIVES FOR SYSTEMIC USE", 100.0, "mg", "BID", "URINARY TRACT INFECTION"),
    "ACETYLSALICYLIC ACID": ("Aspirin", "BLOOD AND BLOOD FORMING ORGANS", 100.0, "mg", "QD", "PROPHYLAXIS"),
}
FOR_HISTORY = {
    "TYPE 2 DIABETES MELLITUS": ("METFORMIN", 0.9),
    "HYPERCHOLESTEROLAEMIA": ("SIMVASTATIN", 0.7),
    "HYPOTHYROIDISM": ("LEVOTHYROXINE SODIUM", 1.0),
    "OSTEOARTHRITIS": ("IBUPROFEN", 0.6),
    "SEASONAL ALLERGY": ("CETIRIZINE", 0.4),
    "DEPRESSION": ("SERTRALINE", 0.7),
    "GASTROOESOPHAGEAL REFLUX DISEASE": ("OMEPRAZOLE", 0.7),
}
FOR_EVENT = {"HEADACHE": ("PARACETAMOL", 0.6), "URINARY TRACT INFECTION": ("NITROFURANTOIN", 1.0), "BACK PAIN": ("IBUPROFEN", 0.6)}


def _row(subject: Subject, domain: str) -> Row:
    return {"STUDYID": STUDY, "DOMAIN": domain, "USUBJID": subject.usubjid}


def _span(subject: Subject, domain: str, start: int, end: int | None, minute: float | None = None) -> Row:
    row: Row = {f"{domain}STDTC": iso(start, minute), f"{domain}STDY": subject.day(start), "EPOCH": subject.epoch(start)}
    return row if end is None else row | {f"{domain}ENDTC": iso(end), f"{domain}ENDY": subject.day(end)}


def exposure(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """One row a dose level: titration for two weeks, then maintenance, with reductions and gaps."""
    rows: list[Row] = []
    for subject in subjects:
        if subject.first_dose is None or subject.last_dose is None:
            continue
        cuts = [1, 15]
        if subject.key in REDUCED:
            cuts.append(REDUCED[subject.key])
        gap = INTERRUPTED.get(subject.key)
        spans = [(a, b) for a, b in zip(cuts, [*(c - 1 for c in cuts[1:]), int(subject.day(subject.last_dose))], strict=True)]
        if gap:
            (a, b) = spans.pop()
            spans += [(a, gap[0] - 1), (gap[1] + 1, b)]
        for number, (first, last) in enumerate(spans):
            start, end = subject.date(first), subject.date(last)
            minute = float(rng.integers(645, 720)) if number == 0 and subject.site.startswith("DE") else None
            row = _row(subject, "EX") | {"EXTRT": "PLACEBO" if subject.arm == "PBO" else "RVT-117", "EXDOSE": subject.dose(start)}
            row |= {"EXDOSU": "mg", "EXDOSFRM": "TABLET", "EXDOSFRQ": "QD", "EXROUTE": "ORAL"}
            if first == REDUCED.get(subject.key) or (gap and first == gap[1] + 1):
                row["EXADJ"] = "ADVERSE EVENT"
            rows.append(row | _span(subject, "EX", start, end, minute))
    return rows


def disposition(subjects: list[Subject]) -> list[Row]:
    """Consent, randomisation, and how it ended."""
    said = {"WITHDRAWAL BY SUBJECT": "Subject withdrew consent", "LOST TO FOLLOW-UP": "Subject could not be reached"}
    rows: list[Row] = []
    for subject in subjects:
        milestones = [("INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", subject.consent)]
        if subject.first_dose is not None:
            milestones.append(("RANDOMIZED", "PROTOCOL MILESTONE", subject.first_dose))
        over = subject.end if not subject.randomised or subject.reason in ("DEATH", "LOST TO FOLLOW-UP") else subject.last_dose
        assert over is not None
        milestones.append(
            (subject.reason, "DISPOSITION EVENT", over + (subject.reason != "COMPLETED" and over == subject.last_dose))
        )
        for code, category, date in milestones:
            row = _row(subject, "DS") | {"DSTERM": said.get(code, code), "DSDECOD": code, "DSCAT": category, "DSDTC": iso(date)}
            rows.append(row | _span(subject, "DS", date, None))
    return rows


def adverse_events(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """Counts by arm and frailty, early onset if the compound causes it, durations, outcomes; and those that explain the rest."""
    rows: list[Row] = []
    for subject in subjects:
        found: list[tuple[int, str, int, str, str]] = []  # date, term, days, action, severity
        begin, stop = subject.first_dose or subject.consent, subject.end
        for term, (_, _, rate, low, high, days, worse) in EVENTS.items():
            factor = {"LOW": low, "HIGH": high}.get(subject.arm, 1.0)
            expected = rate * factor * float(np.exp(0.5 * subject.traits["frailty"])) * max(stop - begin, 0) / 98
            for _ in range(int(rng.poisson(expected))):
                early = factor > 1.5 and subject.randomised
                wait = (
                    min(rng.exponential(18), stop - begin) if early else rng.uniform(-8 if subject.randomised else 0, stop - begin)
                )
                date = max(int(begin + wait), subject.consent)
                severity = "MILD" if rng.random() > worse else "SEVERE" if rng.random() < 0.12 else "MODERATE"
                found.append((date, term, int(rng.exponential(days)) + 1, "DOSE NOT CHANGED", severity))
        if subject.key in REDUCED:
            found.append((subject.date(REDUCED[subject.key] - 3), "OEDEMA PERIPHERAL", 20, "DOSE REDUCED", "MODERATE"))
        if subject.key in INTERRUPTED:
            found.append((subject.date(INTERRUPTED[subject.key][0] - 1), "HYPOTENSION", 8, "DRUG INTERRUPTED", "MODERATE"))
        if subject.reason == "ADVERSE EVENT" and subject.last_dose is not None:
            cause = {"HIGH": "HYPOTENSION", "LOW": "DIZZINESS"}[subject.arm]
            found.append((subject.last_dose - 2, cause, 9, "DRUG WITHDRAWN", "SEVERE"))
        if subject.key in LIVER:
            found.append(
                (subject.date(LIVER[subject.key]), "ALANINE AMINOTRANSFERASE INCREASED", 24, "DOSE NOT CHANGED", "MODERATE")
            )
        if subject.reason == "DEATH":
            found.append((subject.end - 1, "MYOCARDIAL INFARCTION", 2, "NOT APPLICABLE", "SEVERE"))
        for number, (date, term, days, action, severity) in enumerate(sorted(found), 1):
            rows.append(_adverse_event(subject, date, term, days, action, severity, rng) | {"AESPID": f"E{number:02d}"})
    return rows


def _adverse_event(subject: Subject, date: int, term: str, days: int, action: str, severity: str, rng: np.random.Generator) -> Row:
    listed = EVENTS.get(term)
    organ = listed[0] if listed else {"MYOCARDIAL INFARCTION": "CARDIAC DISORDERS"}.get(term, "INVESTIGATIONS")
    said = str(rng.choice(listed[1])) if listed else {"MYOCARDIAL INFARCTION": "Heart attack"}.get(term, "ALT elevated")
    end, fatal = date + days - 1, term == "MYOCARDIAL INFARCTION"
    serious = fatal or (severity == "SEVERE" and rng.random() < 0.4)
    related = action not in ("DOSE NOT CHANGED", "NOT APPLICABLE") or bool(listed and listed[4] > 2 and subject.arm != "PBO")
    row = _row(subject, "AE") | {
        "AETERM": said,
        "AEDECOD": term,
        "AEBODSYS": organ,
        "AESEV": severity,
        "AESER": "Y" if serious else "N",
    }
    if subject.epoch(date) != "TREATMENT":
        action = "NOT APPLICABLE"
    row |= {"AEACN": action, "AEREL": "POSSIBLE" if related and subject.epoch(date) == "TREATMENT" else "NONE"}
    row |= {"AESDTH": "Y" if fatal else "N" if serious else "", "AESHOSP": "Y" if serious and not fatal else "N" if serious else ""}
    minute = float(rng.integers(360, 1380)) if rng.random() < 0.15 else None
    treated = FOR_EVENT.get(term)
    row["AECONTRT"] = "Y" if treated and rng.random() < treated[1] else "N"
    row |= _span(subject, "AE", date, end if end <= subject.end else None, minute)
    if fatal:
        return row | {"AEOUT": "FATAL"}
    if end > subject.end:
        return row | {"AEOUT": "NOT RECOVERED/NOT RESOLVED", "AEENRTPT": "ONGOING", "AEENTPT": iso(subject.end)}
    return row | {"AEOUT": "RECOVERED/RESOLVED"}


def history(subjects: list[Subject], rng: np.random.Generator) -> list[Row]:
    """The disease under study for all, and what else there was; most dates are partial."""
    rows: list[Row] = []
    for subject in subjects:
        since = subject.consent - int(rng.gamma(2.0, 1300)) - 200
        row = _row(subject, "MH") | {
            "MHTERM": "Essential hypertension",
            "MHDECOD": "HYPERTENSION",
            "MHBODSYS": "VASCULAR DISORDERS",
        }
        row |= {"MHCAT": "PRIMARY DIAGNOSIS", "MHSTDTC": iso(since), "MHDTC": iso(subject.consent), "MHENRF": "ONGOING"}
        rows.append(row | {"MHDY": subject.day(subject.consent)})
        for term, (organ, said, chance, years) in HISTORY.items():
            sugar = 0.35 * subject.traits["sugar"] if term.startswith("TYPE 2") else 0.0
            if rng.random() >= chance + sugar:
                continue
            since = subject.consent - int(rng.gamma(3.0, years * 365 / 3)) - 60
            row = _row(subject, "MH") | {"MHTERM": said, "MHDECOD": term, "MHBODSYS": organ, "MHCAT": "GENERAL"}
            row |= {
                "MHSTDTC": iso(max(since, subject.birth + 2000)),
                "MHDTC": iso(subject.consent),
                "MHDY": subject.day(subject.consent),
            }
            row["MHENRF"] = "BEFORE" if organ == SURGERY else "ONGOING"
            rows.append(row)
    return rows


def medications(subjects: list[Subject], past: list[Row], events: list[Row], rng: np.random.Generator) -> list[Row]:
    """What is taken for the history, what was washed out, and what treats adverse events."""
    rows: list[Row] = []
    by_id = {subject.usubjid: subject for subject in subjects}

    def add(subject: Subject, name: str, start: int, end: int | None) -> None:
        said, organ, dose, unit, frequency, indication = MEDICINES[name]
        row = _row(subject, "CM") | {"CMTRT": said if rng.random() < 0.7 else said.upper(), "CMDECOD": name, "CMCLAS": organ}
        row |= {"CMDOSE": dose, "CMDOSU": unit, "CMDOSFRQ": frequency, "CMROUTE": "ORAL", "CMINDC": indication}
        row |= {
            "CMSTDTC": iso(start),
            "CMSTDY": subject.day(start),
            "EPOCH": subject.epoch(start) if start >= subject.consent else "",
        }
        if end is None:
            row |= {"CMENRTPT": "ONGOING", "CMENTPT": iso(subject.end)}
        else:
            row |= {"CMENDTC": iso(end), "CMENDY": subject.day(end)}
        rows.append(row)

    for subject in subjects:
        washed = subject.consent - int(rng.gamma(2.0, 500)) - 30
        if rng.random() < 0.45:
            add(subject, "AMLODIPINE", washed, subject.consent - int(rng.integers(1, 20)))
        if subject.age > 60 and rng.random() < 0.4:
            add(subject, "ACETYLSALICYLIC ACID", subject.consent - int(rng.gamma(2.0, 700)) - 30, None)
    for row in past:
        name, chance = FOR_HISTORY.get(str(row["MHDECOD"]), ("", 0.0))
        if rng.random() < chance:
            subject = by_id[str(row["USUBJID"])]
            start = int(np.datetime64(str(row["MHSTDTC"]), "D").astype(int)) + int(rng.integers(0, 200))
            add(subject, name, min(start, subject.consent - 5), None)
    for row in events:
        if row["AECONTRT"] == "Y":
            subject = by_id[str(row["USUBJID"])]
            start = int(np.datetime64(str(row["AESTDTC"])[:10], "D").astype(int))
            end = int(np.datetime64(str(row["AEENDTC"]), "D").astype(int)) if row.get("AEENDTC") else None
            add(subject, FOR_EVENT[str(row["AEDECOD"])][0], start, end)
    return rows


def visits(subjects: list[Subject]) -> list[Row]:
    """Visits as they took place; unscheduled ones have no planned day and say what for."""
    rows: list[Row] = []
    for subject in subjects:
        for number, name, start, end in subject.visits:
            row = _row(subject, "SV") | {"VISITNUM": number, "VISIT": name, "EPOCH": subject.epoch(start)}
            if number in VISITS:
                row["VISITDY"] = float(VISITS[number][1])
            if number % 1:
                row["SVUPDES"] = "LABORATORY RECHECK" if subject.key in LIVER else "SAFETY FOLLOW-UP OF ADVERSE EVENT"
            row |= {"SVSTDTC": iso(start), "SVENDTC": iso(end), "SVSTDY": subject.day(start), "SVENDY": subject.day(end)}
            rows.append(row)
    return rows


def elements(subjects: list[Subject]) -> list[Row]:
    """Screening until the first dose, titration for two weeks, maintenance until the last dose, follow-up until the end."""
    rows: list[Row] = []
    for subject in subjects:
        spans = [("SCREEN", "Screening", subject.consent, subject.first_dose or subject.end)]
        if subject.first_dose is not None and subject.last_dose is not None:
            turn = subject.date(15)
            spans += [("TITR", "Titration", subject.first_dose, turn), ("MAINT", "Maintenance", turn, subject.last_dose)]
            if subject.end > subject.last_dose:
                spans.append(("FUP", "Follow-up", subject.last_dose + 1, subject.end))
        for order, (code, name, start, end) in enumerate(spans, 1):
            row = _row(subject, "SE") | {"ETCD": code, "ELEMENT": name, "TAETORD": float(order), "EPOCH": subject.epoch(start)}
            row |= {"SESTDTC": iso(start), "SEENDTC": iso(end), "SESTDY": subject.day(start), "SEENDY": subject.day(end)}
            rows.append(row)
    return rows


def demography(subjects: list[Subject]) -> list[Row]:
    """One row a subject."""
    rows: list[Row] = []
    for subject in subjects:
        row = _row(subject, "DM") | {
            "SUBJID": f"{subject.site}-{subject.subjid}",
            "SITEID": subject.site,
            "COUNTRY": subject.country,
        }
        row |= {
            "RFICDTC": iso(subject.consent),
            "RFPENDTC": iso(subject.end),
            "BRTHDTC": iso(subject.birth),
            "AGE": float(subject.age),
        }
        row |= {"AGEU": "YEARS", "SEX": subject.sex, "RACE": subject.race, "ETHNIC": subject.ethnic, "DMDTC": iso(subject.consent)}
        row["DMDY"] = subject.day(subject.consent)
        if subject.first_dose is None or subject.last_dose is None:
            row["ARMNRS"] = "SCREEN FAILURE"
        else:
            row |= {"ARMCD": subject.arm, "ARM": subject.arm_name, "ACTARMCD": subject.arm, "ACTARM": subject.arm_name}
            row |= {"RFSTDTC": iso(subject.first_dose), "RFENDTC": iso(subject.last_dose), "RFXSTDTC": iso(subject.first_dose)}
            row["RFXENDTC"] = iso(subject.last_dose)
        if subject.reason == "DEATH":
            row |= {"DTHDTC": iso(subject.end), "DTHFL": "Y"}
        rows.append(row)
    return rows
