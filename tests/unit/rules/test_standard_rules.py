"""Every rule of the standard finds the fault that is planted for it, there and only there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from replicator.profile.structure import StudyStructure
from replicator.rules import Status, rules_of_standard, validate
from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable


@dataclass(frozen=True)
class Fault:
    """Changes to the clean study, the rule that must find them, with its variable and rows, and the rules that follow from them."""

    code: str
    where: str
    rows: tuple[int, ...]
    cells: tuple[tuple[str, int, str, str], ...] = ()  # dataset, row, variable, value
    copy: tuple[tuple[str, int, dict[str, str]], ...] = ()  # dataset, row that is copied to the end, values that are changed
    follows: frozenset[str] = field(default_factory=frozenset)


LONG = "X" * 201
FAULTS = [
    Fault("VAR-FILLED", "DM.SITEID", (1,), (("DM", 1, "SITEID", ""),)),
    Fault("TEXT-LENGTH", "AE.AETERM", (0,), (("AE", 0, "AETERM", LONG),)),
    Fault("TEXT-LENGTH", "AE.AETERM", (0,), (("AE", 0, "AETERM", "É" * 101),)),
    Fault("TEXT-CODE", "IE.IETESTCD", (0,), (("IE", 0, "IETESTCD", "INCLUSION1"),)),
    Fault("TEXT-CODE", "IE.IETESTCD", (0,), (("IE", 0, "IETESTCD", "1INCL"),)),
    Fault("TEXT-BLANKS", "AE.AETERM", (1,), (("AE", 1, "AETERM", "HEART ATTACK "),)),
    Fault(
        "KEY-UNIQUE",
        "VS",
        (7,),
        copy=(("VS", 0, {"VSSEQ": "4", "VSDTC": "2020-01-03T08:00"}),),
    ),
    Fault("KEY-SUBJECT", "DM.USUBJID", (3,), copy=(("DM", 0, {"SITEID": "11"}),), follows=frozenset({"KEY-UNIQUE"})),
    Fault(
        "KEY-DUPLICATE",
        "VS",
        (7,),
        copy=(("VS", 0, {"VSSEQ": "4"}),),
        follows=frozenset({"KEY-UNIQUE", "KEY-RESULT"}),
    ),
    Fault(
        "KEY-RESULT",
        "VS.VSSTRESC",
        (7,),
        copy=(("VS", 0, {"VSSEQ": "4", "VSORRES": "125", "VSSTRESC": "125", "VSSTRESN": "125"}),),
        follows=frozenset({"KEY-UNIQUE"}),
    ),
    Fault("SEQ-UNIQUE", "VS.VSSEQ", (1,), (("VS", 1, "VSSEQ", "1"),)),
    Fault("SEQ-NUMBER", "VS.VSSEQ", (6,), (("VS", 6, "VSSEQ", "0"),)),
    Fault("SEQ-NUMBER", "VS.VSSEQ", (6,), (("VS", 6, "VSSEQ", "1.5"),)),
    Fault("SUBJECT-KNOWN", "IE.USUBJID", (0,), (("IE", 0, "USUBJID", "ST-09"),)),
    Fault("ID-STUDY", "IE.STUDYID", (0,), (("IE", 0, "STUDYID", "OTHER"),)),
    Fault("ID-DOMAIN", "VS.DOMAIN", (2,), (("VS", 2, "DOMAIN", "LB"),)),
    Fault("DATE-ISO", "IE.IEDTC", (0,), (("IE", 0, "IEDTC", "20FEB2020"),)),
    Fault("DATE-POSSIBLE", "IE.IEDTC", (0,), (("IE", 0, "IEDTC", "2020-02-30"),)),
    Fault("DATE-POSSIBLE", "IE.IEDTC", (0,), (("IE", 0, "IEDTC", "2020-02-20T24:30"),)),
    Fault("DATE-ORDER", "SE.SEENDTC", (2,), (("SE", 2, "SEENDTC", "2020-01-31"),)),
    Fault("DATE-ORDER", "SE.SEENDTC", (2,), (("SE", 2, "SEENDTC", "2020-01"),)),
    Fault("DATE-SUBJECT", "DM.RFSTDTC", (0,), (("DM", 0, "RFICDTC", "2020-01-11"),), follows=frozenset({"DOSE-CONSENT"})),
    Fault("DAY-AGREES", "LB.LBDY", (0,), (("LB", 0, "LBDY", "-6"),)),
    Fault("DAY-MISSING", "LB.LBDY", (0,), (("LB", 0, "LBDY", ""),)),
    Fault("DAY-ZERO", "LB.LBDY", (1,), (("LB", 1, "LBDY", "0"),), follows=frozenset({"DAY-AGREES"})),
    Fault("AGE-BIRTH", "DM.AGE", (0,), (("DM", 0, "AGE", "60"),)),
    Fault("LINK-PARENT", "SUPPAE.IDVARVAL", (0,), (("SUPPAE", 0, "IDVARVAL", "7"),)),
    Fault("LINK-PARENT", "SUPPAE.IDVARVAL", (0,), (("SUPPAE", 0, "IDVAR", "AESPID"),)),
    Fault("LINK-QNAM", "SUPPAE.QNAM", (2,), copy=(("SUPPAE", 0, {"QVAL": "N"}),), follows=frozenset({"KEY-UNIQUE"})),
    Fault("LINK-RELREC", "RELREC.IDVARVAL", (1,), (("RELREC", 1, "IDVARVAL", "3"),)),
    Fault("LINK-RELREC", "RELREC.IDVARVAL", (3,), (("RELREC", 3, "IDVAR", "DSNONE"),)),
    Fault("LINK-PAIR", "RELREC.RELID", (0, 1), (("RELREC", 1, "RELID", "R3"),)),
    Fault("CODE-SEX", "DM.SEX", (1,), (("DM", 1, "SEX", "MALE"),)),
    Fault("CODE-RACE", "DM.RACE", (1,), (("DM", 1, "RACE", "MARTIAN"),)),
    Fault("CODE-ETHNIC", "DM.ETHNIC", (1,), (("DM", 1, "ETHNIC", "HISPANIC"),)),
    Fault("CODE-AGEU", "DM.AGEU", (1,), (("DM", 1, "AGEU", "YRS"),)),
    Fault("CODE-COUNTRY", "DM.COUNTRY", (1,), (("DM", 1, "COUNTRY", "US"),)),
    Fault("CODE-NY", "AE.AESHOSP", (0,), (("AE", 0, "AESHOSP", "NO"),)),
    Fault("CODE-FLAG", "VS.VSBLFL", (0,), (("VS", 0, "VSBLFL", "N"),)),
    Fault("CODE-ND", "VS.VSSTAT", (5,), (("VS", 5, "VSSTAT", "MISSED"),), follows=frozenset({"RESULT-STATUS"})),
    Fault("CODE-AESEV", "AE.AESEV", (0,), (("AE", 0, "AESEV", "BAD"),)),
    Fault("CODE-TOXGR", "AE.AETOXGR", (0,), (("AE", 0, "AETOXGR", "6"),)),
    Fault("CODE-OUT", "AE.AEOUT", (0,), (("AE", 0, "AEOUT", "RESOLVED"),)),
    Fault("CODE-ACN", "AE.AEACN", (0,), (("AE", 0, "AEACN", "NONE"),)),
    Fault("CODE-POSITION", "VS.VSPOS", (0,), (("VS", 0, "VSPOS", "KNEELING"),)),
    Fault("CODE-LAT", "AE.AELAT", (0,), (("AE", 0, "AELAT", "L"),)),
    Fault("CODE-NRIND", "LB.LBNRIND", (0,), (("LB", 0, "LBNRIND", "FINE"),)),
    Fault("CODE-EPOCH", "EX.EPOCH", (0,), (("EX", 0, "EPOCH", "PERIOD ONE"),)),
    Fault("CODE-NCOMPLT", "DS.DSDECOD", (0,), (("DS", 0, "DSDECOD", "FINISHED"),)),
    Fault("CODE-DSCAT", "DS.DSCAT", (0,), (("DS", 0, "DSCAT", "END"),)),
    Fault("CODE-IECAT", "IE.IECAT", (0,), (("IE", 0, "IECAT", "INCL"),)),
    Fault("CODE-RELTYPE", "RELREC.RELTYPE", (2,), (("RELREC", 2, "RELTYPE", "FEW"),)),
    Fault("CODE-STENRF", "AE.AEENRF", (0,), (("AE", 0, "AEENRF", "LATER"),)),
    Fault("CODE-FREQ", "EX.EXDOSFRQ", (0,), (("EX", 0, "EXDOSFRQ", "DAILY"),)),
    Fault("CODE-ROUTE", "EX.EXROUTE", (0,), (("EX", 0, "EXROUTE", "MOUTH"),)),
    Fault("CODE-FRM", "EX.EXDOSFRM", (0,), (("EX", 0, "EXDOSFRM", "TAB"),)),
    Fault("CODE-EVAL", "LB.LBEVAL", (2,), (("LB", 2, "LBEVAL", "DOCTOR"),)),
    Fault("CODE-SPEC", "LB.LBSPEC", (2,), (("LB", 2, "LBSPEC", "TEARDROP"),)),
    Fault(
        "CODE-DOMAIN",
        "IE.DOMAIN",
        (0,),
        (("IE", 0, "DOMAIN", "QQ"),),
    ),
    Fault("UNIT-KNOWN", "EX.EXDOSU", (0,), (("EX", 0, "EXDOSU", "parsec"),)),
    Fault("UNIT-TEST", "LB.LBORRESU", (1,), (("LB", 1, "LBORRESU", "kg"),)),
    Fault(
        "VALUE-PLAUSIBLE",
        "VS.VSSTRESN",
        (6,),
        (("VS", 6, "VSORRES", "31"), ("VS", 6, "VSSTRESC", "31"), ("VS", 6, "VSSTRESN", "31")),
    ),
    Fault("PAIR-VISIT", "VS.VISIT", (3,), (("VS", 3, "VISIT", "WEEK 4"),)),
    Fault("PAIR-TEST", "VS.VSTEST", (3,), (("VS", 3, "VSTEST", "Heart Rate"),)),
    Fault("PAIR-ARM", "DM.ARM", (2,), (("DM", 2, "ARM", "Active"),)),
    Fault("PAIR-ACTARM", "DM.ACTARM", (2,), (("DM", 2, "ACTARM", "Active"),)),
    Fault("PAIR-ELEMENT", "SE.ELEMENT", (4,), (("SE", 4, "ELEMENT", "Treatment"),)),
    Fault("PAIR-QNAM", "SUPPAE.QLABEL", (2,), copy=(("SUPPAE", 0, {"QNAM": "AEOTHER"}),)),
    Fault("PAIR-PARAM", "TS.TSPARM", (2,), copy=(("TS", 0, {"TSPARM": "Other Parameter"}),), follows=frozenset({"KEY-UNIQUE"})),
    Fault("BASE-ONCE", "VS.VSBLFL", (1,), (("VS", 0, "VSBLFL", "Y"),)),
    Fault("BASE-DOSE", "LB.LBDTC", (2,), (("LB", 2, "LBLOBXFL", "Y"), ("LB", 1, "LBLOBXFL", ""))),
    Fault(
        "RESULT-STATUS",
        "VS.VSORRES",
        (6,),
        (("VS", 6, "VSORRES", ""), ("VS", 6, "VSSTRESC", ""), ("VS", 6, "VSSTRESN", "")),
    ),
    Fault("RESULT-STATUS", "VS.VSORRES", (6,), (("VS", 6, "VSSTAT", "NOT DONE"),)),
    Fault("RESULT-NUMBER", "VS.VSSTRESN", (6,), (("VS", 6, "VSSTRESC", "132"),)),
    Fault("RESULT-UNITS", "VS.VSSTRESN", (6,), (("VS", 6, "VSORRES", "139"),)),
    Fault("RESULT-RANGE", "LB.LBNRIND", (0,), (("LB", 0, "LBNRIND", "LOW"),)),
    Fault(
        "RESULT-TENFOLD",
        "VS.VSSTRESN",
        (1,),
        (("VS", 1, "VSORRES", "1180"), ("VS", 1, "VSSTRESC", "1180"), ("VS", 1, "VSSTRESN", "1180")),
        follows=frozenset({"VALUE-PLAUSIBLE"}),
    ),
    Fault(
        "VISIT-ONCE",
        "SV.VISITNUM",
        (7,),
        copy=(("SV", 2, {"SVSTDTC": "2020-02-08", "SVSTDY": "30"}),),
        follows=frozenset({"KEY-UNIQUE"}),
    ),
    Fault(
        "VISIT-ORDER",
        "SV.SVSTDTC",
        (2,),
        (("SV", 2, "SVSTDTC", "2020-01-09"), ("SV", 2, "SVSTDY", "-1")),
    ),
    Fault("VISIT-SCHEDULE", "VS.VISITNUM", (6,), (("VS", 6, "VISITNUM", "2"), ("VS", 6, "VISIT", "BASELINE"))),
    Fault("VISIT-DATE", "LB.LBDTC", (4,), (("LB", 4, "LBDTC", "2020-02-09"), ("LB", 4, "LBDY", "-1"))),
    Fault(
        "DOSE-BEFORE",
        "EX.EXSTDTC",
        (0,),
        (("EX", 0, "EXSTDTC", "2020-01-09"), ("EX", 0, "EXSTDY", "-1")),
        follows=frozenset({"DOSE-START", "DOSE-FIRST"}),
    ),
    Fault(
        "DOSE-START",
        "EX.EXSTDTC",
        (2,),
        (("EX", 2, "EXSTDTC", "2020-02-09"), ("EX", 2, "EXSTDY", "-1")),
        follows=frozenset({"DOSE-BEFORE", "DOSE-FIRST"}),
    ),
    Fault(
        "DOSE-CONSENT",
        "EX.EXSTDTC",
        (2,),
        (("DM", 1, "RFICDTC", "2020-02-11"),),
        follows=frozenset({"DATE-SUBJECT"}),
    ),
    Fault("DOSE-AFTER", "EX.EXENDTC", (1,), (("EX", 1, "EXENDTC", "2020-03-02"), ("EX", 1, "EXENDY", "53"))),
    Fault(
        "DOSE-FIRST",
        "DM.RFXSTDTC",
        (1,),
        (("EX", 2, "EXSTDTC", "2020-02-11"), ("EX", 2, "EXSTDY", "2")),
    ),
    Fault("DOSE-OVERLAP", "EX.EXSTDTC", (1,), (("EX", 1, "EXSTDTC", "2020-01-31"), ("EX", 1, "EXSTDY", "22"))),
    Fault(
        "DOSE-UNTREATED",
        "EX.USUBJID",
        (3,),
        copy=(("EX", 2, {"USUBJID": "ST-03", "EXSTDTC": "2020-02-21", "EXENDTC": "2020-02-22", "EXSTDY": "", "EXENDY": ""}),),
    ),
    Fault("DOSE-UNIT", "EX.EXDOSE", (2,), (("EX", 2, "EXDOSU", ""),)),
    Fault(
        "AFTER-DEATH",
        "AE.AESTDTC",
        (1,),
        (("AE", 1, "AESTDTC", "2020-03-13"), ("AE", 1, "AESTDY", "33"), ("AE", 1, "AEENDTC", ""), ("AE", 1, "AEENDY", "")),
        follows=frozenset({"AFTER-END"}),
    ),
    Fault("AFTER-END", "IE.IEDTC", (0,), (("IE", 0, "IEDTC", "2020-02-26"),)),
    Fault("DEATH-FLAG", "DM.DTHFL", (1,), (("DM", 1, "DTHFL", ""),)),
    Fault("DEATH-DISPOSITION", "DM.DTHFL", (1,), (("DS", 1, "DSDECOD", "COMPLETED"),)),
    Fault("DEATH-FATAL", "AE.AEOUT", (0,), (("AE", 0, "AEOUT", "FATAL"), ("AE", 0, "AESDTH", "Y"), ("AE", 0, "AESER", "Y"))),
    Fault("DEATH-OUTCOME", "AE.AEOUT", (1,), (("AE", 1, "AEOUT", "UNKNOWN"),)),
    Fault("SERIOUS-WHY", "AE.AESER", (0,), (("AE", 0, "AESER", "Y"),)),
    Fault(
        "DISPOSITION-ONCE",
        "DS.DSDECOD",
        (3,),
        copy=(("DS", 0, {"DSSEQ": "2", "DSDECOD": "LOST TO FOLLOW-UP"}),),
        follows=frozenset({"KEY-UNIQUE"}),
    ),
]
# rules about names and labels: see below
BY_METADATA = {"VAR-REQUIRED", "VAR-NAME", "VAR-LABEL"}


def plant(study: Study, fault: Fault) -> Study:
    """Return the study with the fault."""
    for dataset, row, changes in fault.copy:
        old = study[dataset]
        study = _with(study, old.take(np.append(np.arange(old.n_rows), row)))
        for variable, value in changes.items():
            study = _with(study, _set(study[dataset], old.n_rows, variable, value))
    for dataset, row, variable, value in fault.cells:
        study = _with(study, _set(study[dataset], row, variable, value))
    return study


def _with(study: Study, dataset: Dataset) -> Study:
    return study.with_datasets({**study.datasets, dataset.name: dataset}.values())


def _set(dataset: Dataset, row: int, variable: str, value: str) -> Dataset:
    cells = dataset.text(variable).strings()
    cells[row] = value
    number = isinstance(dataset[variable], Numbers)
    column = Numbers(np.array([float(cell or "nan") for cell in cells])) if number else Text.of(cells)
    return dataset.with_column(dataset.variable(variable), column)


def test_the_clean_study_passes_every_rule(clean: Study, structure: StudyStructure) -> None:
    """All rules apply to the clean study, and all pass."""
    report = validate(clean, structure=structure)
    assert [str(finding) for finding in report.findings] == []
    assert report.counts()[Status.NOT_APPLICABLE] == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code}-{fault.where}")
def test_each_rule_finds_its_fault(fault: Fault, clean: Study, structure: StudyStructure) -> None:
    """The rule fails at the planted rows, and no rule fails that does not follow from the fault."""
    report = validate(plant(clean, fault), structure=structure)
    found = {(f.dataset + (f".{f.variable}" if f.variable else "")): f for f in report.of(fault.code)}
    assert fault.where in found, [str(finding) for finding in report.findings]
    assert found[fault.where].rows == fault.rows
    assert {finding.code for finding in report.findings} - {fault.code} == fault.follows


def test_every_rule_has_a_fault() -> None:
    """No rule of the standard goes without a planted fault."""
    assert {rule.code for rule in rules_of_standard()} == {fault.code for fault in FAULTS} | BY_METADATA


def test_required_variables_names_and_labels(clean: Study, structure: StudyStructure) -> None:
    """Faults of metadata name the variables and no rows."""
    vitals = clean["VS"]
    broken = replace(
        vitals.without("VSTEST").with_column(Variable("VSTOOLONG", "L" * 41), vitals["VSPOS"]),
    )
    report = validate(_with(clean, broken), structure=structure)
    values = {finding.code: (finding.dataset, finding.values, finding.rows) for finding in report.findings}
    assert values["VAR-REQUIRED"] == ("VS", ("VSTEST",), ())
    assert values["VAR-NAME"] == ("VS", ("VSTOOLONG",), ())
    assert values["VAR-LABEL"] == ("VS", ("VSTOOLONG",), ())


@pytest.mark.parametrize(
    "text", ["2003", "2003-05", "2003-05-01T11:45", "2003---15", "--05-01", "2003-05-01T11:45:10Z", "2003/2004"]
)
def test_partial_dates_are_dates(text: str, clean: Study, structure: StudyStructure) -> None:
    """ISO 8601 dates with missing parts, and intervals, are no findings of form (ISO 8601:2004; SDTMIG 3.4, 4.4.1 and 4.4.2)."""
    fault = Fault("", "", (), (("IE", 0, "IEDTC", text),))
    report = validate(plant(clean, fault), structure=structure)
    assert not report.of("DATE-ISO") and not report.of("DATE-POSSIBLE")


def test_one_domain_alone(clean: Study) -> None:
    """Rules that need other datasets are not applicable; the others run."""
    report = validate(Study({"VS": clean["VS"]}))
    assert not report.findings
    assert report.status("VISIT-SCHEDULE") is Status.NOT_APPLICABLE
    assert report.status("SUBJECT-KNOWN") is Status.NOT_APPLICABLE
    assert report.status("SEQ-UNIQUE") is Status.PASSED
    assert next(o for o in report.outcomes if o.rule == "VISIT-SCHEDULE").reason.startswith("needs SV")


def test_a_dataset_without_rows(clean: Study, structure: StudyStructure) -> None:
    """An empty dataset breaks nothing and stops nothing."""
    empty = clean["AE"].take(np.empty(0, np.intp))
    report = validate(_with(clean, empty), structure=structure)
    assert {finding.code for finding in report.findings} == {"LINK-PARENT", "LINK-RELREC"}


def test_a_split_domain_is_numbered_as_one(clean: Study) -> None:
    """--SEQ is unique over LBCH and LBHE, and a qualifier finds its parent in either."""
    chemistry = replace(clean["LB"], name="LBCH")
    other = _set(replace(clean["LB"].take(np.array([0])), name="LBHE"), 0, "LBTESTCD", "HGB")
    rest = [dataset for name, dataset in clean.datasets.items() if name != "LB"]
    report = validate(clean.with_datasets([*rest, chemistry, other]))
    assert [(f.dataset, f.rows) for f in report.of("SEQ-UNIQUE")] == [("LBHE", (0,))]


def test_order_of_rows_changes_no_outcome(clean: Study, structure: StudyStructure) -> None:
    """The counts of every rule stay when rows are shuffled (faults included)."""
    fault = next(fault for fault in FAULTS if fault.code == "DOSE-OVERLAP")
    study = plant(clean, fault)
    rng = np.random.default_rng(3)
    shuffled = study.with_datasets(dataset.take(rng.permutation(dataset.n_rows)) for dataset in study.datasets.values())
    assert validate(study, structure=structure).outcomes == validate(shuffled, structure=structure).outcomes


def test_what_stands_in_for_a_required_variable(clean: Study, structure: StudyStructure) -> None:
    """A subject with a reason in ARMNRS needs no arm, and a row with POOLID no subject."""
    subjects = _set(_set(clean["DM"], 2, "ARMCD", ""), 2, "ARM", "")
    reasons = subjects.with_column(Variable("ARMNRS", "Reason Arm is Null"), Text.of(["", "", "SCREEN FAILURE"]))
    assert validate(_with(clean, subjects), structure=structure).of("VAR-FILLED")
    assert not validate(_with(clean, reasons), structure=structure).of("VAR-FILLED")
    pooled = _set(clean["IE"], 0, "USUBJID", "")
    assert validate(_with(clean, pooled), structure=structure).of("VAR-FILLED")
    pooled = pooled.with_column(Variable("POOLID", "Pool Identifier"), Text.of(["P1"]))
    assert not validate(_with(clean, pooled), structure=structure).of("VAR-FILLED")


def test_units_are_equal_only_where_both_are_known(clean: Study, structure: StudyStructure) -> None:
    """A result in percent beside one without a unit is a conversion, and of five rows not enough to judge one."""
    results = clean["LB"]
    for row in range(results.n_rows):
        results = _set(_set(results, row, "LBORRESU", "%"), row, "LBSTRESU", "")
        results = _set(results, row, "LBORRES", str(100 * (row + 1)))
    assert not validate(_with(clean, results), structure=structure).of("RESULT-UNITS")


def test_a_standard_result_is_rounded_to_its_own_decimals(clean: Study, structure: StudyStructure) -> None:
    """Haematocrit of 36.5 % is 0.37 in a column of two decimals; 0.38 is not what it is."""
    rows = np.arange(6).repeat(2)
    results = clean["VS"].take(rows)
    percent = np.array([36.5, 38.4, 40.4, 41.0, 37.2, 42.5, 39.5, 40.1, 36.8, 41.3, 43.5, 38.8])
    ratio = np.floor(percent + 0.5) / 100
    for name, text in (("VSTESTCD", "HCT"), ("VSTEST", "Hematocrit"), ("VSORRESU", "%"), ("VSSTRESU", "")):
        results = results.with_column(results.variable(name), Text.constant(text, 12))
    results = results.with_column(results.variable("VSORRES"), Text.of(f"{value:.1f}" for value in percent))
    right = results.with_column(results.variable("VSSTRESN"), Numbers(ratio))
    assert not validate(_with(clean, right), structure=structure).of("RESULT-UNITS")
    ratio[0] += 0.01
    wrong = results.with_column(results.variable("VSSTRESN"), Numbers(ratio))
    assert [finding.rows for finding in validate(_with(clean, wrong), structure=structure).of("RESULT-UNITS")] == [(0,)]


def test_conversions_are_found_and_their_exceptions(clean: Study, structure: StudyStructure) -> None:
    """Fahrenheit against Celsius is a line (C = (F - 32) / 1.8); one row of twelve that does not follow it fails."""
    rows = np.repeat(np.arange(6), 2)
    temperature = clean["VS"].take(rows)
    fahrenheit = np.array([96.8, 97.7, 98.6, 99.5, 100.4, 101.3, 97.0, 98.0, 99.0, 100.0, 101.0, 102.0])
    celsius = (fahrenheit - 32) / 1.8
    celsius[7] += 3
    for name, text in (("VSTESTCD", "TEMP"), ("VSTEST", "Temperature"), ("VSORRESU", "F"), ("VSSTRESU", "C")):
        temperature = temperature.with_column(temperature.variable(name), Text.constant(text, 12))
    temperature = temperature.with_column(temperature.variable("VSORRES"), Text.of(f"{value:.1f}" for value in fahrenheit))
    temperature = temperature.with_column(temperature.variable("VSSTRESN"), Numbers(celsius))
    report = validate(_with(clean, temperature), structure=structure)
    assert [finding.rows for finding in report.of("RESULT-UNITS")] == [(7,)]
