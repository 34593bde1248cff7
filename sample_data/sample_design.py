"""The trial's design and the metadata of all datasets of the sample study."""

from __future__ import annotations

from sample_findings import Row
from sample_subjects import ARMS, EARLY, STUDY, VISITS

CRITERIA = {
    "IN01": ("Signed informed consent", "INCLUSION"),
    "IN02": ("Systolic blood pressure lying from 140 to 179 mmHg", "INCLUSION"),
    "IN03": ("Able to swallow tablets", "INCLUSION"),
    "EX01": ("Aspartate or alanine aminotransferase above 3 times the upper limit", "EXCLUSION"),
    "EX02": ("Use of a prohibited medicine that cannot be stopped", "EXCLUSION"),
    "EX03": ("Pregnant or nursing", "EXCLUSION"),
}
ELEMENTS = {
    "SCREEN": ("Screening", "Informed consent", "First dose", "P14D", "SCREENING"),
    "TITR": ("Titration", "First dose", "14 days after the first dose", "P14D", "TREATMENT"),
    "MAINT": ("Maintenance", "14 days after the first dose", "Last dose", "P70D", "TREATMENT"),
    "FUP": ("Follow-up", "One day after the last dose", "End of participation", "P14D", "FOLLOW-UP"),
}
SUMMARY = {
    "TITLE": ("Trial Title", "A randomised, double-blind study of RVT-117 against placebo in mild to moderate hypertension"),
    "INDIC": ("Trial Disease/Condition Indication", "HYPERTENSION"),
    "TRT": ("Investigational Therapy or Treatment", "RVT-117"),
    "TPHASE": ("Trial Phase Classification", "PHASE II TRIAL"),
    "TBLIND": ("Trial Blinding Schema", "DOUBLE BLIND"),
    "TCNTRL": ("Control Type", "PLACEBO"),
    "STYPE": ("Study Type", "INTERVENTIONAL"),
    "NARMS": ("Planned Number of Arms", "3"),
    "PLANSUB": ("Planned Number of Subjects", "36"),
    "AGEMIN": ("Planned Minimum Age of Subjects", "P25Y"),
    "AGEMAX": ("Planned Maximum Age of Subjects", "P80Y"),
    "SEXPOP": ("Sex of Participants", "BOTH"),
    "LENGTH": ("Trial Length", "P16W"),
    "SPONSOR": ("Clinical Study Sponsor", "Rêverie Thérapeutique, a sponsor that does not exist"),
    "OBJPRIM": ("Trial Primary Objective", "Change in systolic blood pressure lying from baseline to week 12"),
}
_IDENTIFIERS = "STUDYID Study Identifier|DOMAIN Domain Abbreviation|USUBJID Unique Subject Identifier"
_VISIT = "VISITNUM Visit Number|VISIT Visit Name"
_SUPP = (
    "STUDYID Study Identifier|RDOMAIN Related Domain Abbreviation|USUBJID Unique Subject Identifier|IDVAR Identifying Variable|"
    "IDVARVAL Identifying Variable Value|QNAM Qualifier Variable Name|QLABEL Qualifier Variable Label|"
    "QVAL Data Value|QORIG Origin|"
    "QEVAL Evaluator"
)


def _findings(domain: str, category: bool, units: bool, specimen: str = "", ranges: str = "", qualifiers: str = "") -> str:
    parts = [
        f"{_IDENTIFIERS}|--SEQ Sequence Number|--TESTCD Short Name of Test|--TEST Name of Test",
        "--CAT Category" if category else "",
        specimen,
        "--ORRES Result or Finding in Original Units",
        "--ORRESU Original Units" if units else "",
        ranges,
        "--STRESC Result or Finding in Standard Format|--STRESN Numeric Result in Standard Units",
        "--STRESU Standard Units" if units else "",
        "--STAT Completion Status|--REASND Reason Not Done|--BLFL Baseline Flag",
        qualifiers,
        f"{_VISIT}|EPOCH Epoch|--DTC Date/Time of Collection|--DY Study Day of Collection",
    ]
    return "|".join(part for part in parts if part).replace("--", domain)


DATASETS = {
    "DM": (
        "Demographics",
        f"{_IDENTIFIERS}|SUBJID Subject Identifier for the Study|RFSTDTC Subject Reference Start Date/Time|"
        "RFENDTC Subject Reference End Date/Time|RFXSTDTC Date/Time of First Study Treatment|"
        "RFXENDTC Date/Time of Last Study Treatment|"
        "RFICDTC Date/Time of Informed Consent|RFPENDTC Date/Time of End of Participation|DTHDTC Date/Time of Death|"
        "DTHFL Subject Death Flag|SITEID Study Site Identifier|BRTHDTC Date/Time of Birth|AGE Age|"
        "AGEU Age Units|SEX Sex|RACE Race|"
        "ETHNIC Ethnicity|ARMCD Planned Arm Code|ARM Description of Planned Arm|ACTARMCD Actual Arm Code|"
        "ACTARM Description of Actual Arm|ARMNRS Reason Arm and/or Actual Arm is Null|COUNTRY Country|"
        "DMDTC Date/Time of Collection|"
        "DMDY Study Day of Collection",
    ),
    "SUPPDM": ("Supplemental Qualifiers for DM", _SUPP),
    "SV": (
        "Subject Visits",
        f"{_IDENTIFIERS}|{_VISIT}|VISITDY Planned Study Day of Visit|EPOCH Epoch|SVSTDTC Start Date/Time of Visit|"
        "SVENDTC End Date/Time of Visit|SVSTDY Study Day of Start of Visit|SVENDY Study Day of End of Visit|"
        "SVUPDES Description of Unplanned Visit",
    ),
    "SE": (
        "Subject Elements",
        f"{_IDENTIFIERS}|SESEQ Sequence Number|ETCD Element Code|ELEMENT Description of Element|"
        "TAETORD Planned Order of Element within Arm|EPOCH Epoch|SESTDTC Start Date/Time of Element|"
        "SEENDTC End Date/Time of Element|"
        "SESTDY Study Day of Start of Element|SEENDY Study Day of End of Element",
    ),
    "EX": (
        "Exposure",
        f"{_IDENTIFIERS}|EXSEQ Sequence Number|EXTRT Name of Treatment|EXDOSE Dose|EXDOSU Dose Units|EXDOSFRM Dose Form|"
        "EXDOSFRQ Dosing Frequency per Interval|EXROUTE Route of Administration|EXADJ Reason for Dose Adjustment|EPOCH Epoch|"
        "EXSTDTC Start Date/Time of Treatment|EXENDTC End Date/Time of Treatment|EXSTDY Study Day of Start of Treatment|"
        "EXENDY Study Day of End of Treatment",
    ),
    "DS": (
        "Disposition",
        f"{_IDENTIFIERS}|DSSEQ Sequence Number|DSTERM Reported Term for the Disposition Event|"
        "DSDECOD Standardized Disposition Term|"
        "DSCAT Category for Disposition Event|EPOCH Epoch|DSDTC Date/Time of Collection|"
        "DSSTDTC Start Date/Time of Disposition Event|"
        "DSSTDY Study Day of Start of Disposition Event",
    ),
    "AE": (
        "Adverse Events",
        f"{_IDENTIFIERS}|AESEQ Sequence Number|AESPID Sponsor-Defined Identifier|AETERM Reported Term for the Adverse Event|"
        "AELLT Lowest Level Term|AEDECOD Dictionary-Derived Term|AEBODSYS Body System or Organ Class|AESEV Severity/Intensity|"
        "AESER Serious Event|AEACN Action Taken with Study Treatment|AEREL Causality|AEOUT Outcome of Adverse Event|"
        "AESDTH Results in Death|AESHOSP Requires or Prolongs Hospitalization|AECONTRT Concomitant or Additional Trtmnt Given|"
        "EPOCH Epoch|AESTDTC Start Date/Time of Adverse Event|AEENDTC End Date/Time of Adverse Event|"
        "AESTDY Study Day of Start of Adverse Event|AEENDY Study Day of End of Adverse Event|"
        "AEENRTPT End Relative to Reference Time Point|AEENTPT End Reference Time Point",
    ),
    "SUPPAE": ("Supplemental Qualifiers for AE", _SUPP),
    "CM": (
        "Concomitant Medications",
        f"{_IDENTIFIERS}|CMSEQ Sequence Number|CMTRT Reported Name of Drug, Med, or Therapy|CMDECOD Standardized Medication Name|"
        "CMINDC Indication|CMCLAS Medication Class|CMDOSE Dose per Administration|CMDOSU Dose Units|"
        "CMDOSFRQ Dosing Frequency per Interval|CMROUTE Route of Administration|EPOCH Epoch|CMSTDTC Start Date/Time of Medication|"
        "CMENDTC End Date/Time of Medication|CMSTDY Study Day of Start of Medication|CMENDY Study Day of End of Medication|"
        "CMENRTPT End Relative to Reference Time Point|CMENTPT End Reference Time Point",
    ),
    "MH": (
        "Medical History",
        f"{_IDENTIFIERS}|MHSEQ Sequence Number|MHTERM Reported Term for the Medical History|MHDECOD Dictionary-Derived Term|"
        "MHCAT Category for Medical History|MHBODSYS Body System or Organ Class|MHDTC Date/Time of History Collection|"
        "MHSTDTC Start Date/Time of Medical History Event|MHDY Study Day of History Collection|"
        "MHENRF End Relative to Reference Period",
    ),
    "LB": (
        "Laboratory Test Results",
        _findings(
            "LB",
            category=True,
            units=True,
            specimen="--SPEC Specimen Type",
            ranges="--ORNRLO Reference Range Lower Limit in Orig Unit|--ORNRHI Reference Range Upper Limit in Orig Unit",
            qualifiers="--STNRLO Reference Range Lower Limit-Std Units|--STNRHI Reference Range Upper Limit-Std Units|"
            "--NRIND Reference Range Indicator|--NAM Vendor Name|--SPCCND Specimen Condition|--FAST Fasting Status",
        ).replace("|LBSEQ", "|POOLID Pool Identifier|LBSEQ"),
    ),
    "VS": (
        "Vital Signs",
        _findings(
            "VS",
            category=False,
            units=True,
            specimen="--POS Vital Signs Position of Subject",
            qualifiers="--LOC Location|--TPT Planned Time Point Name|--TPTNUM Planned Time Point Number",
        ),
    ),
    "EG": (
        "ECG Test Results",
        _findings(
            "EG",
            category=False,
            units=True,
            specimen="--POS ECG Position of Subject",
            qualifiers="--METHOD Method of Test or Examination|--EVAL Evaluator",
        ),
    ),
    "QSPG": ("Questionnaires, Patient Global", _findings("QS", category=True, units=False, qualifiers="--DRVFL Derived Flag")),
    "QSSY": ("Questionnaires, Symptom Scale", _findings("QS", category=True, units=False, qualifiers="--DRVFL Derived Flag")),
    "SC": (
        "Subject Characteristics",
        f"{_IDENTIFIERS}|SCSEQ Sequence Number|SCTESTCD Subject Characteristic Short Name|SCTEST Subject Characteristic|"
        "SCORRES Result or Finding in Original Units|SCSTRESC Character Result/Finding in Std Format|"
        "SCDTC Date/Time of Collection|"
        "SCDY Study Day of Collection",
    ),
    "IE": (
        "Inclusion/Exclusion Criteria Not Met",
        f"{_IDENTIFIERS}|IESEQ Sequence Number|IETESTCD Inclusion/Exclusion Criterion Short Name|"
        "IETEST Inclusion/Exclusion Criterion|"
        "IECAT Inclusion/Exclusion Category|IEORRES I/E Criterion Original Result|IESTRESC I/E Criterion Result in Std Format|"
        f"{_VISIT}|EPOCH Epoch|IEDTC Date/Time of Collection|IEDY Study Day of Collection",
    ),
    "CO": (
        "Comments",
        "STUDYID Study Identifier|DOMAIN Domain Abbreviation|RDOMAIN Related Domain Abbreviation|"
        "USUBJID Unique Subject Identifier|"
        "COSEQ Sequence Number|IDVAR Identifying Variable|IDVARVAL Identifying Variable Value|"
        "COREF Comment Reference|COVAL Comment|"
        "COVAL1 Comment, continued|COEVAL Evaluator|CODTC Date/Time of Comment",
    ),
    "RELREC": (
        "Related Records",
        "STUDYID Study Identifier|RDOMAIN Related Domain Abbreviation|USUBJID Unique Subject Identifier|"
        "IDVAR Identifying Variable|"
        "IDVARVAL Identifying Variable Value|RELTYPE Relationship Type|RELID Relationship Identifier",
    ),
    "TA": (
        "Trial Arms",
        "STUDYID Study Identifier|DOMAIN Domain Abbreviation|ARMCD Planned Arm Code|ARM Description of Planned Arm|"
        "TAETORD Planned Order of Element within Arm|ETCD Element Code|ELEMENT Description of Element|TABRANCH Branch|"
        "TATRANS Transition Rule|EPOCH Epoch",
    ),
    "TE": (
        "Trial Elements",
        "STUDYID Study Identifier|DOMAIN Domain Abbreviation|ETCD Element Code|ELEMENT Description of Element|"
        "TESTRL Rule for Start of Element|TEENRL Rule for End of Element|TEDUR Planned Duration of Element",
    ),
    "TV": (
        "Trial Visits",
        f"STUDYID Study Identifier|DOMAIN Domain Abbreviation|{_VISIT}|VISITDY Planned Study Day of Visit|ARMCD Planned Arm Code|"
        "TVSTRL Visit Start Rule",
    ),
    "TI": (
        "Trial Inclusion/Exclusion Criteria",
        "STUDYID Study Identifier|DOMAIN Domain Abbreviation|IETESTCD Incl/Excl Criterion Short Name|"
        "IETEST Inclusion/Exclusion Criterion|"
        "IECAT Inclusion/Exclusion Category",
    ),
    "TS": (
        "Trial Summary",
        "STUDYID Study Identifier|DOMAIN Domain Abbreviation|TSSEQ Sequence Number|TSPARMCD Trial Summary Parameter Short Name|"
        "TSPARM Trial Summary Parameter|TSVAL Parameter Value",
    ),
}
"""Label of each dataset, and its variables in order with their labels."""

NUMERIC = ("SEQ", "DY", "STRESN", "NUM", "DOSE", "STNRLO", "STNRHI", "TAETORD", "AGE")
"""Endings of the names of numeric variables."""


def design() -> dict[str, list[Row]]:
    """Rows of the datasets that describe the trial."""
    base: Row = {"STUDYID": STUDY}
    rows: dict[str, list[Row]] = {name: [] for name in ("TA", "TE", "TV", "TI", "TS")}
    for code, arm in ARMS:
        for order, (element, (name, *_, epoch)) in enumerate(ELEMENTS.items(), 1):
            row = base | {"DOMAIN": "TA", "ARMCD": code, "ARM": arm, "TAETORD": float(order), "ETCD": element, "ELEMENT": name}
            row["EPOCH"] = epoch
            if element == "SCREEN":
                row["TABRANCH"] = f"Randomised to {arm}"
            rows["TA"].append(row)
    for element, (name, start, end, lasts, _) in ELEMENTS.items():
        rows["TE"].append(base | {"DOMAIN": "TE", "ETCD": element, "ELEMENT": name, "TESTRL": start, "TEENRL": end, "TEDUR": lasts})
    for number, (visit, day) in VISITS.items():
        rule = "Informed consent" if number == 1.0 else f"Day {day} counted from the first dose"
        rows["TV"].append(base | {"DOMAIN": "TV", "VISITNUM": number, "VISIT": visit, "VISITDY": float(day), "TVSTRL": rule})
    rows["TV"].append(base | {"DOMAIN": "TV", "VISITNUM": EARLY, "VISIT": "EARLY TERMINATION", "TVSTRL": "Treatment ends early"})
    rows["TV"].sort(key=lambda row: float(row["VISITNUM"]))
    for code, (words, category) in CRITERIA.items():
        rows["TI"].append(base | {"DOMAIN": "TI", "IETESTCD": code, "IETEST": words, "IECAT": category})
    for code, (name, value) in SUMMARY.items():
        rows["TS"].append(base | {"DOMAIN": "TS", "TSSEQ": 1.0, "TSPARMCD": code, "TSPARM": name, "TSVAL": value})
    return rows
