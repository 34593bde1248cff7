"""The literal registry of checks: a rule names its check by kind, so that rules are data and nothing is imported by name."""

from __future__ import annotations

from dataclasses import dataclass

from replicator.rules.checks import (
    exposure,
    flags,
    keys,
    learned,
    links,
    metadata,
    nearness,
    participation,
    results,
    succession,
    terminology,
    timing,
    totals,
    visits,
)
from replicator.rules.tested import CheckFunction


@dataclass(frozen=True)
class Check:
    """A kind of check.

    Attributes
    ----------
    function : CheckFunction
        What runs.
    needs : str
        What a study must have for the check to apply; said where it does not.
    """

    function: CheckFunction
    needs: str


CHECKS: dict[str, Check] = {
    "required_present": Check(metadata.required_present, "a dataset of a standard class with DOMAIN or RDOMAIN"),
    "required_filled": Check(metadata.required_filled, "a dataset of a standard class with DOMAIN or RDOMAIN"),
    "variable_names": Check(metadata.variable_names, "a dataset"),
    "variable_labels": Check(metadata.variable_labels, "variables with labels"),
    "text_length": Check(metadata.text_length, "text variables"),
    "code_length": Check(metadata.code_length, "--TESTCD, QNAM, ETCD or ARMCD"),
    "outer_blanks": Check(metadata.outer_blanks, "text variables"),
    "natural_key": Check(keys.natural_key, "a dataset with a natural key"),
    "one_row_a_subject": Check(keys.one_row_a_subject, "a dataset of subjects"),
    "subject_known": Check(keys.subject_known, "a dataset of subjects and another one"),
    "sequence_unique": Check(keys.sequence_unique, "--SEQ and a subject"),
    "sequence_number": Check(keys.sequence_number, "--SEQ"),
    "duplicate_rows": Check(keys.duplicate_rows, "observations, a schedule, or SUPP--"),
    "duplicate_measurement": Check(keys.duplicate_measurement, "findings with --TESTCD, a result and --DTC"),
    "constant": Check(keys.constant, "STUDYID or DOMAIN"),
    "date_format": Check(timing.date_format, "variables that hold dates as text"),
    "date_possible": Check(timing.date_possible, "variables that hold dates as text"),
    "start_before_end": Check(timing.start_before_end, "--STDTC and --ENDTC"),
    "subject_dates_in_order": Check(timing.subject_dates_in_order, "two reference dates in the dataset of subjects"),
    "study_day_agrees": Check(timing.study_day_agrees, "RFSTDTC, and a date with its study day"),
    "study_day_missing": Check(timing.study_day_missing, "RFSTDTC, and a date with its study day"),
    "no_day_zero": Check(timing.no_day_zero, "--DY, --STDY or --ENDY"),
    "age_agrees": Check(timing.age_agrees, "AGE and BRTHDTC"),
    "qualifier_has_parent": Check(links.qualifier_has_parent, "SUPP-- or CO"),
    "qualifier_once": Check(links.qualifier_once, "SUPP-- with QNAM"),
    "relation_leads": Check(links.relation_leads, "RELREC"),
    "relation_has_two": Check(links.relation_has_two, "RELREC"),
    "in_codelist": Check(terminology.in_codelist, "a variable of the codelist"),
    "unit_known": Check(terminology.unit_known, "--ORRESU, --STRESU or --DOSU"),
    "unit_fits_test": Check(terminology.unit_fits_test, "findings with --TESTCD and a unit"),
    "result_plausible": Check(terminology.result_plausible, "findings with --TESTCD, --STRESN and --STRESU"),
    "one_to_one": Check(terminology.one_to_one, "both variables in one dataset"),
    "baseline_once": Check(results.baseline_once, "--BLFL or --LOBXFL with --TESTCD"),
    "baseline_before_dose": Check(results.baseline_before_dose, "--BLFL or --LOBXFL with --DTC, and RFXSTDTC or RFSTDTC"),
    "result_or_status": Check(results.result_or_status, "findings with --TESTCD and a result"),
    "character_and_number": Check(results.character_and_number, "--STRESC and --STRESN"),
    "standard_from_original": Check(results.standard_from_original, "--TESTCD, --ORRES and --STRESN"),
    "range_indicator": Check(results.range_indicator, "--NRIND with a range"),
    "tenfold": Check(results.tenfold, "--TESTCD with a numeric result"),
    "visit_once": Check(visits.visit_once, "SV"),
    "visits_in_order": Check(visits.visits_in_order, "SV with VISITNUM and SVSTDTC"),
    "visit_in_schedule": Check(visits.visit_in_schedule, "SV, and VISITNUM or VISIT in another dataset"),
    "date_in_visit": Check(visits.date_in_visit, "SV with SVSTDTC, and findings with --DTC and a visit"),
    "dose_not_before": Check(exposure.dose_not_before, "EX with EXSTDTC, and the reference date"),
    "dose_not_after": Check(exposure.dose_not_after, "EX with dates, and the reference date"),
    "first_dose_is_reference": Check(exposure.first_dose_is_reference, "EX with EXSTDTC, and RFXSTDTC"),
    "doses_do_not_overlap": Check(exposure.doses_do_not_overlap, "EX with EXTRT, EXSTDTC and EXENDTC"),
    "untreated_have_no_dose": Check(exposure.untreated_have_no_dose, "EX, and an arm in the dataset of subjects"),
    "dose_has_unit": Check(exposure.dose_has_unit, "--DOSE"),
    "nothing_after": Check(participation.nothing_after, "the subject's date and dated observations"),
    "death_flag_and_date": Check(participation.death_flag_and_date, "DTHFL and DTHDTC"),
    "death_has_disposition": Check(participation.death_has_disposition, "DTHFL or DTHDTC, and DS with DSDECOD"),
    "fatal_event_is_death": Check(participation.fatal_event_is_death, "DTHFL or DTHDTC, and events with --OUT or --SDTH"),
    "fatal_both_ways": Check(participation.fatal_both_ways, "events with --OUT and --SDTH"),
    "serious_has_criterion": Check(participation.serious_has_criterion, "events with --SER and two criteria of seriousness"),
    "disposition_once": Check(participation.disposition_once, "DS with DSCAT"),
    "known_key": Check(keys.known_key, "the variables of the key"),
    "known_values": Check(learned.known_values, "the variable"),
    "value_range": Check(learned.value_range, "the variable"),
    "always_filled": Check(learned.always_filled, "the variable"),
    "always_empty": Check(learned.always_empty, "the variable"),
    "text_shape": Check(learned.text_shape, "the variable"),
    "follows_from": Check(learned.follows_from, "the determinants and the dependent"),
    "known_combination": Check(learned.known_combination, "the variables of the combination"),
    "dates_near": Check(nearness.dates_near, "both dates"),
    "date_order": Check(learned.date_order, "both dates"),
    "present_by_arm": Check(learned.present_by_arm, "the dataset and the arm"),
    "rows_meet": Check(succession.rows_meet, "--STDTC and --ENDTC"),
    "flagged_once": Check(flags.flagged_once, "the flag, and --TESTCD"),
    "adds_up": Check(totals.adds_up, "--TESTCD and --STRESN with the total and its items"),
}
