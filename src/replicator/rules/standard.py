"""The rules that come from the standard: SDTM implementation guide 3.4, its terminology, and what a data manager looks for."""

from __future__ import annotations

from functools import cache

from replicator.rules.rule import Rule, Severity
from replicator.standards.codelists import codelists
from replicator.standards.date_orders import OUTLIVES_DEATH, SUBJECT_DATES

W = Severity.WARNING
_IDENTITY = (
    Rule("VAR-REQUIRED", "required_present", "required variables are not there", "Add the variables that the values name."),
    Rule("VAR-FILLED", "required_filled", "a required variable is empty", "Fill it, or remove the row."),
    Rule(
        "VAR-NAME",
        "variable_names",
        "names are longer than 8, not upper case, or have other characters than letters, digits and _",
        "Rename the variables that the values name.",
    ),
    Rule(
        "VAR-LABEL",
        "variable_labels",
        "labels are longer than 40 characters",
        "Shorten the labels of the variables that the values name.",
    ),
    Rule(
        "TEXT-LENGTH",
        "text_length",
        "text is longer than 200 bytes",
        "Split it: the rest goes to SUPP-- or to further variables.",
        parameters={"limit": 200},
    ),
    Rule(
        "TEXT-CODE",
        "code_length",
        "a code is longer than the standard allows, or has other characters than upper-case letters, digits and _",
        "Shorten or rename the code.",
        parameters={
            "limits": {"--TESTCD": 8, "QNAM": 8, "QLABEL": 40, "ETCD": 8, "ARMCD": 20, "ACTARMCD": 20},
            "names": ["--TESTCD", "QNAM"],
        },
    ),
    Rule("TEXT-BLANKS", "outer_blanks", "text begins or ends with a blank or has control characters", "Trim it.", W),
    Rule(
        "KEY-UNIQUE",
        "natural_key",
        "rows share the natural key of their dataset",
        "Remove the repeated row, or tell the rows apart.",
    ),
    Rule(
        "KEY-SUBJECT",
        "one_row_a_subject",
        "a subject has several rows in the dataset of subjects",
        "Keep one row for each subject.",
    ),
    Rule("KEY-DUPLICATE", "duplicate_rows", "a row repeats another one but for its number", "Remove the repeated row.", W),
    Rule(
        "KEY-RESULT",
        "duplicate_measurement",
        "a test has several results for the same subject, time and circumstances",
        "Keep one result, or tell the measurements apart.",
        W,
    ),
    Rule("SEQ-UNIQUE", "sequence_unique", "--SEQ is repeated within a subject", "Number the subject's rows of the domain anew."),
    Rule("SEQ-NUMBER", "sequence_number", "--SEQ is not a whole number above 0", "Number the subject's rows of the domain anew."),
    Rule(
        "SUBJECT-KNOWN",
        "subject_known",
        "the subject is not in the dataset of subjects",
        "Add the subject there, or remove the row.",
    ),
    Rule("ID-STUDY", "constant", "STUDYID is not that of the other rows", "Correct STUDYID.", variable="STUDYID"),
    Rule(
        "ID-DOMAIN",
        "constant",
        "DOMAIN is not that of the other rows",
        "Correct DOMAIN, or move the row.",
        variable="DOMAIN",
        parameters={"within": "dataset"},
    ),
)
_TIMING = (
    Rule("DATE-ISO", "date_format", "a date is not written in ISO 8601", "Write it as YYYY-MM-DDThh:mm, cut off where unknown."),
    Rule(
        "DATE-POSSIBLE",
        "date_possible",
        "a date is not in the calendar or a time not on the clock",
        "Correct it, or cut it off where unknown.",
    ),
    Rule("DATE-ORDER", "start_before_end", "the end lies before the start", "Correct the start or the end."),
    Rule(
        "DATE-SUBJECT",
        "subject_dates_in_order",
        "a reference date of the subject lies before one that it must follow",
        "Correct the reference dates.",
        parameters={"pairs": [list(pair) for pair in SUBJECT_DATES]},
    ),
    Rule("DAY-AGREES", "study_day_agrees", "the study day does not agree with its date and RFSTDTC", "Derive the study day again."),
    Rule(
        "DAY-MISSING",
        "study_day_missing",
        "the study day is missing although its date and RFSTDTC are known",
        "Derive the study day.",
        W,
    ),
    Rule("DAY-ZERO", "no_day_zero", "the study day is 0", "Derive the study day again: the day before day 1 is day -1."),
    Rule("AGE-BIRTH", "age_agrees", "AGE does not agree with BRTHDTC", "Derive AGE again, or correct BRTHDTC."),
)
_LINKS = (
    Rule(
        "LINK-PARENT",
        "qualifier_has_parent",
        "a qualifier or comment points at no row",
        "Correct IDVAR and IDVARVAL, or remove the row.",
    ),
    Rule("LINK-QNAM", "qualifier_once", "a parent's row has a qualifier twice", "Keep one."),
    Rule("LINK-RELREC", "relation_leads", "a relation points at no row", "Correct IDVAR and IDVARVAL, or remove the relation."),
    Rule("LINK-PAIR", "relation_has_two", "a relation has only one row", "Add the other row, or remove the relation."),
)
_TERMS = (
    Rule("UNIT-KNOWN", "unit_known", "the unit is not put together from known units", "Use a unit of the codelist UNIT.", W),
    Rule(
        "UNIT-TEST", "unit_fits_test", "the unit is none that the test usually has", "Correct the unit, or convert the result.", W
    ),
    Rule(
        "VALUE-PLAUSIBLE",
        "result_plausible",
        "the result is outside what a living person can have",
        "Check the result and its unit.",
        W,
    ),
    Rule(
        "PAIR-VISIT",
        "one_to_one",
        "VISITNUM and VISIT are not the pair that the study uses",
        "Correct VISITNUM or VISIT.",
        parameters={"code": "VISITNUM", "name": "VISIT"},
    ),
    Rule(
        "PAIR-TEST",
        "one_to_one",
        "--TESTCD and --TEST are not the pair that the dataset uses",
        "Correct --TESTCD or --TEST.",
        parameters={"code": "--TESTCD", "name": "--TEST"},
    ),
    Rule(
        "PAIR-ARM",
        "one_to_one",
        "ARMCD and ARM are not the pair that the study uses",
        "Correct ARMCD or ARM.",
        parameters={"code": "ARMCD", "name": "ARM"},
    ),
    Rule(
        "PAIR-ACTARM",
        "one_to_one",
        "ACTARMCD and ACTARM are not the pair that the study uses",
        "Correct ACTARMCD or ACTARM.",
        parameters={"code": "ACTARMCD", "name": "ACTARM"},
    ),
    Rule(
        "PAIR-ELEMENT",
        "one_to_one",
        "ETCD and ELEMENT are not the pair that the study uses",
        "Correct ETCD or ELEMENT.",
        W,
        parameters={"code": "ETCD", "name": "ELEMENT"},
    ),
    Rule(
        "PAIR-QNAM",
        "one_to_one",
        "QNAM and QLABEL are not the pair that the dataset uses",
        "Correct QNAM or QLABEL.",
        parameters={"code": "QNAM", "name": "QLABEL", "within": "dataset"},
    ),
    Rule(
        "PAIR-PARAM",
        "one_to_one",
        "TSPARMCD and TSPARM are not the pair that the dataset uses",
        "Correct TSPARMCD or TSPARM.",
        parameters={"code": "TSPARMCD", "name": "TSPARM"},
    ),
)
_RESULTS = (
    Rule(
        "BASE-ONCE",
        "baseline_once",
        "a subject has two baselines for a test and its circumstances",
        "Keep the last one before treatment.",
    ),
    Rule("BASE-DOSE", "baseline_before_dose", "the baseline was taken after the first dose", "Flag the last one before treatment."),
    Rule(
        "RESULT-STATUS",
        "result_or_status",
        "there is neither a result nor the status NOT DONE, or there are both",
        "Fill the result, or set --STAT to NOT DONE.",
    ),
    Rule("RESULT-NUMBER", "character_and_number", "--STRESN is not the number that --STRESC writes", "Derive --STRESN again."),
    Rule(
        "RESULT-UNITS",
        "standard_from_original",
        "--STRESN does not follow from --ORRES by the factor of its unit",
        "Correct --ORRES, --ORRESU or --STRESN.",
        W,
    ),
    Rule("RESULT-RANGE", "range_indicator", "--NRIND does not agree with the result and its range", "Derive --NRIND again."),
    Rule(
        "RESULT-TENFOLD",
        "tenfold",
        "the result is about ten times too large or too small for its subject and test",
        "Check the decimal point and the unit.",
        W,
        parameters={"factor": 7.0, "spreads": 8.0, "levels": 20},
    ),
)
_VISITS = (
    Rule(
        "VISIT-ONCE",
        "visit_once",
        "a subject has a visit twice in the schedule",
        "Join the rows, or give the second visit a number of its own.",
    ),
    Rule(
        "VISIT-ORDER",
        "visits_in_order",
        "a visit begins before the one with the number below it",
        "Correct the dates or the numbers.",
        W,
    ),
    Rule(
        "VISIT-SCHEDULE", "visit_in_schedule", "the visit is not in SV for the subject", "Add the visit to SV, or correct VISITNUM."
    ),
    Rule("VISIT-DATE", "date_in_visit", "the date lies outside its visit in SV", "Correct the date, the visit, or SV.", W),
)
_EXPOSURE = (
    Rule(
        "DOSE-BEFORE",
        "dose_not_before",
        "a dose lies before the subject's first dose RFXSTDTC",
        "Correct EXSTDTC or RFXSTDTC.",
        parameters={"mark": "RFXSTDTC"},
    ),
    Rule(
        "DOSE-START",
        "dose_not_before",
        "a dose lies before the subject's start of study RFSTDTC",
        "Correct EXSTDTC or RFSTDTC.",
        parameters={"mark": "RFSTDTC"},
    ),
    Rule(
        "DOSE-CONSENT",
        "dose_not_before",
        "a dose lies before consent RFICDTC",
        "Correct EXSTDTC or RFICDTC.",
        parameters={"mark": "RFICDTC"},
    ),
    Rule(
        "DOSE-AFTER",
        "dose_not_after",
        "a dose lies after the subject's last dose RFXENDTC",
        "Correct the dose or RFXENDTC.",
        parameters={"mark": "RFXENDTC"},
    ),
    Rule("DOSE-FIRST", "first_dose_is_reference", "RFXSTDTC is not the date of the first dose in EX", "Derive RFXSTDTC again."),
    Rule("DOSE-OVERLAP", "doses_do_not_overlap", "two intervals of a treatment overlap", "Correct EXSTDTC or EXENDTC."),
    Rule(
        "DOSE-UNTREATED",
        "untreated_have_no_dose",
        "a subject who was never treated has a dose",
        "Correct the arm, or remove the dose.",
    ),
    Rule("DOSE-UNIT", "dose_has_unit", "a dose is negative or has no unit", "Correct --DOSE or fill --DOSU.", W),
)
_STORY = (
    Rule(
        "AFTER-DEATH",
        "nothing_after",
        "a record is dated after the subject's death",
        "Correct the date or DTHDTC.",
        parameters={"mark": "DTHDTC", "except": list(OUTLIVES_DEATH)},
    ),
    Rule(
        "AFTER-END",
        "nothing_after",
        "a record is dated after the end of participation RFPENDTC",
        "Correct the date or RFPENDTC.",
        W,
        parameters={"mark": "RFPENDTC", "except": [*OUTLIVES_DEATH, "SE"]},
    ),
    Rule(
        "DEATH-FLAG",
        "death_flag_and_date",
        "DTHFL and DTHDTC do not agree",
        "Set DTHFL to Y where DTHDTC is known, and only there.",
    ),
    Rule(
        "DEATH-DISPOSITION", "death_has_disposition", "death in DM and disposition DEATH in DS do not agree", "Correct DM or DS.", W
    ),
    Rule(
        "DEATH-FATAL",
        "fatal_event_is_death",
        "an event is fatal and the subject has not died",
        "Correct the outcome, or fill DTHFL and DTHDTC.",
    ),
    Rule("DEATH-OUTCOME", "fatal_both_ways", "the outcome FATAL and the flag of death do not agree", "Correct --OUT or --SDTH."),
    Rule(
        "SERIOUS-WHY",
        "serious_has_criterion",
        "--SER does not agree with the criteria of seriousness",
        "Correct --SER or the criteria.",
    ),
    Rule("DISPOSITION-ONCE", "disposition_once", "a subject has two disposition events in an epoch", "Keep one."),
)


@cache
def rules_of_standard() -> tuple[Rule, ...]:
    """Return the rules of the standard, in the order in which they are run and shown."""
    lists = tuple(
        Rule(
            f"CODE-{codelist.name}",
            "in_codelist",
            f"the value is not in the codelist {codelist.name} ({codelist.title})",
            "Use a term of the codelist, or document the extension." if codelist.extensible else "Use a term of the codelist.",
            W if codelist.extensible else Severity.ERROR,
            parameters={"codelist": codelist.name},
        )
        for codelist in codelists()
    )
    return (*_IDENTITY, *_TIMING, *_LINKS, *lists, *_TERMS, *_RESULTS, *_VISITS, *_EXPOSURE, *_STORY)
