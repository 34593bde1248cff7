"""The registry of rules, in the order of belief: where two rules explain a variable equally well, the earlier one does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from replicator.derivations import arm_names, baseline, concurrent, conversions, copies, extremes, planned, results, timing, totals
from replicator.derivations.rule import Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "study_day": Rule(timing.propose_study_days, timing.compute_study_days, least_tested=1),
        "part_of": Rule(copies.propose_parts, copies.compute_parts, least=1.0, least_tested=2),
        "first": Rule(
            extremes.propose_subject_dates,
            extremes.compute_first,
            counted="either",
            least_tested=5,
            by_definition=extremes.is_defined,
        ),
        "last": Rule(
            extremes.propose_subject_dates,
            extremes.compute_last,
            counted="either",
            least_tested=5,
            by_definition=extremes.is_defined,
        ),
        "last_at_visit": Rule(extremes.propose_visit_dates, extremes.compute_last, coverage=0.5),
        "first_at_visit": Rule(extremes.propose_visit_dates, extremes.compute_first, coverage=0.5),
        "planned_time": Rule(planned.propose_planned_times, planned.compute_planned_times, coverage=0.5),
        "next_of": Rule(extremes.propose_next, extremes.compute_next, coverage=0.3),
        "flag_of": Rule(copies.propose_flags, copies.compute_flags, counted="either", least=0.98, least_tested=1),
        "flag_of_day": Rule(concurrent.propose_flags_of_day, concurrent.compute_flags_of_day, least=concurrent.NEARLY),
        "age": Rule(timing.propose_ages, timing.compute_ages, least_tested=5),
        "converted": Rule(conversions.propose_conversions, conversions.compute_conversions),
        "text_of_number": Rule(results.propose_result_texts, results.compute_result_texts),
        "number_of_text": Rule(results.propose_result_numbers, results.compute_result_numbers),
        "indicator": Rule(results.propose_indicators, results.compute_indicators, coverage=0.5),
        "ratio": Rule(results.propose_ratios, results.compute_ratios, coverage=0.5),
        "duration": Rule(timing.propose_durations, timing.compute_durations, coverage=0.5),
        "treatment_emergent": Rule(timing.propose_treatment_emergence, timing.compute_treatment_emergence, counted="either"),
        "baseline_flag": Rule(baseline.propose_last_flags, baseline.compute_last_flags, counted="either"),
        "epoch": Rule(timing.propose_epochs, timing.compute_epochs, coverage=0.5),
        "total": Rule(totals.propose_totals, totals.compute_totals),
        "number_in_arm": Rule(arm_names.propose_named_doses, arm_names.compute_named_doses, least=1.0, coverage=1.0),
        "copy_of": Rule(copies.propose_copies, copies.compute_copies, least=1.0),
    }
)
