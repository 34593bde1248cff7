"""Rules, reports and certificates as data: they survive JSON, and the list of rules is current."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from replicator.errors import StudyError
from replicator.profile.structure import StudyStructure
from replicator.reports.findings import (
    render_certificate_html,
    render_certificate_text,
    render_findings_html,
    render_findings_text,
)
from replicator.rules import (
    Certificate,
    Outcome,
    Rule,
    Status,
    ValidationReport,
    Verdict,
    certificate,
    rules_of_standard,
    validate,
)
from replicator.rules.catalogue import LEARNED, rules_as_markdown
from replicator.rules.registry import CHECKS
from replicator.rules.rule import Severity
from replicator.standards.codelists import codelists, is_unit, plausible_results
from replicator.tables.dataset import Study, Text

ROOT = Path(__file__).resolve().parents[3]


def _report(n_failed: int, n_tested: int, n_subjects: int = 0, severity: Severity = Severity.ERROR) -> ValidationReport:
    status = Status.FAILED if n_failed else Status.PASSED
    rule = replace(rules_of_standard()[0], severity=severity)
    return ValidationReport("ST", (rule,), (Outcome(rule.id, "AE", "AETERM", status, n_tested, n_failed, n_subjects),), ())


def test_the_page_of_rules_is_current() -> None:
    """docs/rules.md is what the rules say now, and names every code."""
    page = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    assert page == rules_as_markdown()
    assert all(f"`{rule.code}`" in page for rule in rules_of_standard())


def test_every_check_is_used() -> None:
    """Each kind of the registry belongs to a rule of the standard or to a learned family."""
    used = {rule.kind for rule in rules_of_standard()} | {kind for _, kind, _, _ in LEARNED}
    assert used == set(CHECKS)


def test_codes_are_unique() -> None:
    """No two rules of the standard share a code."""
    codes = [rule.code for rule in rules_of_standard()]
    assert len(set(codes)) == len(codes)


def test_one_warning_is_no_breach() -> None:
    """What is merely unusual may come once in a sample though the source had none; not in one row of ten."""
    source = _report(0, 1000, severity=Severity.WARNING)
    rare, common = (_report(n, 1000, n, Severity.WARNING) for n in (1, 100))
    assert certificate(source, rare).comparisons[0].verdict is Verdict.RARE
    assert certificate(source, common).comparisons[0].verdict is Verdict.BROKEN


def test_a_report_survives_json(clean: Study, structure: StudyStructure) -> None:
    """A report with findings is equal after writing and reading, and so are its rules."""
    vitals = clean["VS"].with_column(clean["VS"].variable("VSPOS"), Text.constant("KNEELING", 7))
    report = validate(clean.with_datasets({**clean.datasets, "VS": vitals}.values()), structure=structure)
    assert report.findings[0].values == ("KNEELING",) * 7
    assert ValidationReport.from_dict(json.loads(report.to_json())) == report
    kept = report.without_rows()
    assert kept.findings == () and ValidationReport.from_dict(json.loads(kept.to_json())) == kept
    limited = validate(clean.with_datasets({**clean.datasets, "VS": vitals}.values()), structure=structure, max_rows=2)
    assert (limited.findings[0].rows, limited.findings[0].n_failed) == ((0, 1), 7)


def test_findings_are_rendered_and_escaped(clean: Study, structure: StudyStructure) -> None:
    """The terminal shows rule, place, count and example; HTML escapes what stands in the data."""
    vitals = clean["VS"].with_column(clean["VS"].variable("VSPOS"), Text.constant("<b>KNEELING</b>", 7))
    report = validate(clean.with_datasets({**clean.datasets, "VS": vitals}.values()), structure=structure)
    text = render_findings_text(report, width=100)
    assert "CODE-POSITION" in text and "VS.VSPOS" in text and "7 of 7" in text
    assert all(len(line) <= 100 for line in text.splitlines()[1:])
    page = render_findings_html(report)
    assert "&lt;b&gt;KNEELING" in page and "<b>KNEELING" not in page
    assert "<b>KNEELING" not in report._repr_html_()
    assert repr(report) == f"<ValidationReport: {report.summary()}>"
    assert "VS.VSPOS" in str(report.findings[0]) and "in row 1" in str(report.findings[0])


@pytest.mark.parametrize(
    ("source", "sample", "verdict"),
    [
        (_report(0, 100), _report(0, 1000), Verdict.PASSED),
        (_report(0, 100), _report(1, 1000, 1), Verdict.BROKEN),
        (_report(10, 100, 10), _report(100, 1000, 100), Verdict.SAME_RATE),
        (_report(10, 1000, 10), _report(30, 1000, 30), Verdict.MORE),
        (_report(30, 1000, 30), _report(10, 1000, 10), Verdict.LESS),
        (_report(30, 1000, 1), _report(60, 1000, 2), Verdict.SAME_RATE),  # one subject against two tells nothing
        (_report(24, 66, 7), _report(7, 15, 7), Verdict.SAME_RATE),  # three or four failures a subject against one
        (_report(240, 660, 70), _report(240, 300, 70), Verdict.MORE),
        (_report(300, 100_000, 300), _report(360, 100_000, 360), Verdict.SAME_RATE),  # a fifth more is about the same
        (_report(1, 100, 1), _report(0, 142), Verdict.CLEARED),  # too few to tell rates apart, and no failure all the same
        (_report(90, 100, 90), _report(0, 1000), Verdict.CLEARED),
        (
            _report(0, 3, severity=Severity.WARNING),
            _report(46, 46, 46, Severity.WARNING),
            Verdict.BROKEN,
        ),  # three that pass tell of 46
        (_report(0, 18, severity=Severity.WARNING), _report(4, 46, 4, Severity.WARNING), Verdict.RARE),
        (_report(10, 100, 10), _report(0, 0), Verdict.NOT_TESTED),
        (_report(0, 0), _report(0, 10), Verdict.NOT_TESTED),
        (_report(0, 0), _report(1, 10, 1), Verdict.UNSEEN),
    ],
)
def test_verdicts(source: ValidationReport, sample: ValidationReport, verdict: Verdict) -> None:
    """The verdicts of the certificate for known counts."""
    found = certificate(source, sample)
    assert [comparison.verdict for comparison in found.comparisons] == [verdict]
    assert found.holds == (verdict not in (Verdict.BROKEN, Verdict.UNSEEN, Verdict.MORE))
    assert Certificate.from_dict(json.loads(found.to_json())) == found


@given(st.integers(1, 60), st.integers(60, 400), st.integers(1, 60), st.integers(60, 400))
def test_more_and_less_follow_the_formula(f: int, t: int, g: int, u: int) -> None:
    """MORE and LESS are what scipy's hypergeometric distribution and the ratio of rates say."""
    verdict = certificate(_report(f, t), _report(g, u)).comparisons[0].verdict
    ratio = (g / u) / (f / t)
    more = ratio > 1.25 and hypergeom.sf(g - 1, t + u, f + g, u) < 0.01
    less = ratio < 1 / 1.25 and hypergeom.cdf(g, t + u, f + g, u) < 0.01
    assert verdict is (Verdict.MORE if more else Verdict.LESS if less else Verdict.SAME_RATE)


def test_a_certificate_is_rendered() -> None:
    """The terminal and the page show both rates and the verdict."""
    found = certificate(_report(10, 1000, 10), _report(30, 1000, 30))
    assert "10 of 1,000 (1.00%)" in render_certificate_text(found, width=400)
    assert "does not hold" in render_certificate_text(found)
    assert "30 of 1,000 (3.00%)" in render_certificate_html(found)
    assert "does not hold" in found._repr_html_()


def test_unknown_and_repeated_rules_are_refused(clean: Study) -> None:
    """A rule whose check is not known, or that comes twice, gives one clear sentence."""
    foreign = replace(rules_of_standard()[0], kind="astrology")
    with pytest.raises(StudyError, match="1 kind of rules is not known"):
        validate(clean, [foreign])
    with pytest.raises(StudyError, match="1 rule appears twice"):
        validate(clean, [rules_of_standard()[0]] * 2)


@pytest.mark.parametrize("state", [{}, {"code": "X"}, {**rules_of_standard()[0].to_dict(), "severity": "fatal"}])
def test_broken_rules_are_refused(state: dict[str, object]) -> None:
    """A stored rule that is not complete gives one clear sentence."""
    with pytest.raises(StudyError, match="rule"):
        Rule.from_dict(state)


def test_broken_reports_are_refused() -> None:
    """A stored report or certificate that is not complete gives one clear sentence."""
    with pytest.raises(StudyError, match="no list of rules"):
        ValidationReport.from_dict({"study": "ST"})
    with pytest.raises(StudyError, match="outcome is not complete"):
        ValidationReport.from_dict({"rules": [], "outcomes": [{"rule": "X"}], "findings": []})
    with pytest.raises(StudyError, match="certificate is not complete"):
        Certificate.from_dict({"comparisons": [{"rule": "X"}]})


def test_codelists_are_sound() -> None:
    """Terms are distinct and not empty; flags are Y; a plausible test's units are units (CDISC terminology, see the data file)."""
    for codelist in codelists():
        assert len(set(codelist.terms)) == len(codelist.terms) > 0 and all(codelist.terms)
    assert next(codelist for codelist in codelists() if codelist.name == "SEX").terms == (
        "F",
        "INTERSEX",
        "M",
        "U",
        "UNDIFFERENTIATED",
    )
    assert all(is_unit(unit) for test in ("SYSBP", "ALB", "HGB", "WBC") for unit in plausible_results(test))
    assert not is_unit("") and not is_unit("mg per kg")


def test_what_is_broken_stands_first_on_the_page() -> None:
    """A reader sees what the sample breaks before what both pass, which is folded; every comparison is on the page."""
    source = (_report(0, 100), _report(10, 1000, 10))
    broken, more = (certificate(old, new) for old, new in zip(source, (_report(1, 1000, 1), _report(30, 1000, 30)), strict=True))
    passed = certificate(_report(0, 100), _report(0, 1000))
    page = render_certificate_html(Certificate((*passed.comparisons, *more.comparisons, *broken.comparisons)))
    places = [page.index(f"<h2>{verdict.value.capitalize()}") for verdict in (Verdict.BROKEN, Verdict.MORE, Verdict.PASSED)]
    assert places == sorted(places)
    assert page.count("<tr><td>") == 3
    assert "prefers-color-scheme:dark" in page and "http" not in page
