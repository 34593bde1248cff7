"""The report of an evaluation: whole, without a network, the same each time, and without anybody of the source."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from replicator.errors import ConfigError, ReadError, StudyError, WriteError
from replicator.evaluated import evaluate
from replicator.evaluation.measures import Interval, Offender
from replicator.evaluation.pictures import shapes
from replicator.evaluation.verdict import FAMILY_RULE, Grade
from replicator.reports.evaluation_html import render_plot
from replicator.reports.evaluation_report import STUDY_PLOTS, EvaluationReport
from replicator.reports.evaluation_timelines import timeline_chart
from replicator.tables.dataset import Dataset, Study

from ..evaluation.made_study import made_study

_VOID = {"meta", "br", "link", "img", "input", "hr"}
_WORDS = re.compile(r"[A-Za-z]{4}|\d{4}-\d{2}-\d{2}|^S-\d{4}$")  # texts that cannot be met by chance, such as numbers


class _Tags(HTMLParser):
    """Checks that every tag is closed in order, and collects attributes that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.loads += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "srcset", "action", "data")]
        self.loads += [f"{tag} href={value}" for name, value in attrs if name == "href" and not str(value).startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def with_secrets(study: Study) -> Study:
    """Give each event of four subjects a wording of its own, and four subjects a visit and an arm of theirs."""
    ae, lb, dm = (study[name].to_frame() for name in ("AE", "LB", "DM"))
    ae["AETERM"] = [f"{term} in the words of row {i}" for i, term in enumerate(ae["AETERM"])]
    few = dm["USUBJID"].tolist()[:4]
    ae.loc[ae["USUBJID"].isin(few), "AEDECOD"] = "MARSH FEVER"
    lb.loc[lb["USUBJID"].isin(few), "VISIT"] = "VISIT AT HOME"
    dm.loc[dm["USUBJID"].isin(few), "ARM"] = "Compassionate"
    changed = {"AE": ae, "LB": lb, "DM": dm}
    return Study(
        {name: Dataset.from_frame(name, changed[name]) if name in changed else one for name, one in study.datasets.items()}
    )


@cache
def source() -> Study:
    return with_secrets(made_study(1, 80))


@cache
def report() -> EvaluationReport:
    return evaluate(source(), made_study(2, 60), made_study(3, 60))


def few_texts(study: Study, fewest: int = 5) -> set[str]:
    """Texts that one to four subjects of a study have."""
    holders: dict[str, set[str]] = {}
    for one in study.datasets.values():
        frame = one.to_frame()
        for name in frame.columns:
            for text, who in zip(frame[name].astype(str), frame["USUBJID"].astype(str), strict=True):
                holders.setdefault(text, set()).add(who)
    return {text for text, who in holders.items() if len(who) < fewest and _WORDS.search(text)}


@pytest.mark.parametrize("copied", [False, True])
def test_nobody_of_the_source_is_in_the_report(copied: bool) -> None:
    """Not even where the sample is the source itself, whose texts are then the sample's."""
    texts = few_texts(source())
    assert {"MARSH FEVER", "VISIT AT HOME", "Compassionate"} < texts
    assert any(text.startswith("S-00") for text in texts)
    made = evaluate(source(), source()) if copied else report()
    pages = (unescape(made.to_html()), made.to_json(), made.to_markdown().replace("\\", ""), made.to_text())
    for page in pages:
        assert not [text for text in texts if text in page]


def test_the_page_is_whole_and_loads_nothing() -> None:
    page = report().to_html()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.loads == []
    assert "<script" not in page
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", page)
    assert "nan" not in re.findall(r"\b(?:nan|inf)\b", page)
    for name in source().datasets:
        assert f'id="{name}"' in page


def test_drawings_are_no_wider_than_a_phone_shows() -> None:
    """Wider ones would be scaled down until nobody reads their words."""
    widths = [float(width) for width in re.findall(r'<svg [^>]*viewBox="0 0 ([\d.]+) ', report().to_html())]
    assert len(widths) > 50
    assert max(widths) <= 430


@pytest.mark.parametrize(("first", "named"), [(-20.0, False), (-79.0, True)])
def test_day_0_is_named_where_it_does_not_cover_the_first_day(first: float, named: bool) -> None:
    drawn = timeline_chart(shapes.SubjectPicture("one", (), (), ()), first, 187.0)
    assert drawn.count("faintline") == 2 and f">day {first:.0f}</text>" in drawn
    assert (">0</text>" in drawn) is named


def test_an_arm_without_means_has_no_empty_course() -> None:
    measured, nothing = shapes.Band((1.0, 2.0), (0.1, 0.1), (9, 9)), shapes.Band((None, None), (None, None), (0, 0))
    courses = shapes.ArmCourse("Active", measured, nothing), shapes.ArmCourse("Screen Failure", nothing, nothing)
    drawn = shapes.TestPicture("ALT", "Alanine Aminotransferase", "U/L", 9, None, ("DAY 1", "DAY 8"), courses)
    shown = render_plot("test", "ALT", drawn=drawn)
    assert "Active" in shown and "Screen Failure" not in shown


def test_what_is_the_same_in_all_rows_is_said_in_a_line_and_not_drawn() -> None:
    studies = [made_study(seed, 30) for seed in (1, 2)]
    dm = [study["DM"].to_frame().assign(COUNTRY="NZL") for study in studies]
    with_country = [
        study.with_datasets([Dataset.from_frame("DM", frame) if one.name == "DM" else one for one in study.datasets.values()])
        for study, frame in zip(studies, dm, strict=True)
    ]
    page = unescape(evaluate(*with_country).to_html())
    assert re.search(r"The same wherever it is filled, in source and sample: [^.]*COUNTRY NZL", page)
    assert "<b>COUNTRY</b>" not in page and "<b>AGE</b>" in page


def test_numbers_of_drawings_are_finite() -> None:
    for attribute in re.findall(r' (?:points|x|y|cx|cy|width|height|r)="([^"]*)"', report().to_html()):
        assert all(np.isfinite(float(number)) for number in re.split(r"[ ,]+", attribute.strip()) if number not in ("", "100%"))


def test_the_first_page_says_verdict_figures_and_families() -> None:
    page = unescape(report().to_html())
    evaluation = report().evaluation
    assert report().conclusion.summary() in page
    for name in (one.name for one in (*evaluation.families, *evaluation.judged_figures, *evaluation.privacy.figures)):
        assert name in page


def test_endpoints_stand_side_by_side() -> None:
    """As percentages and means with intervals, in the page, in Markdown and on the terminal."""
    evaluation, page, markdown = report().evaluation, unescape(report().to_html()), report().to_markdown()
    for agreement in evaluation.endpoints.agreements:
        for text in (page, markdown, report().to_text(160)):
            assert agreement.kind in text
    nausea = next(
        one for one in evaluation.endpoints.entries if one.name == "AE NAUSEA" and one.arm == "Active" and not one.against
    )
    for side in (nausea.source, nausea.sample):
        said = f"{side.value:.1%} ({side.interval.low:.1%} to {side.interval.high:.1%})"
        assert said in page and said in markdown


def test_giveaways_stand_beside_what_is_expected_of_real_subjects() -> None:
    """All on the page and in Markdown, with what they ask; on the terminal those that show."""
    made = evaluate(made_study(1, 60), _with_digits(made_study(2, 60)), made_study(3, 60))
    giveaways = made.evaluation.giveaways
    page, markdown, text = unescape(made.to_html()), made.to_markdown(), made.to_text(200)
    assert {"LB decimals"} <= {one.figure.name for one in giveaways.shown}
    for one in giveaways.told:
        assert one.figure.name in page and one.figure.question in page and one.figure.name in markdown
    for one in giveaways.untold:
        assert one.figure.note in page
    for one in giveaways.shown:
        assert f"{one.expected.low:.3g} to {one.expected.high:.3g}" in page
        assert one.figure.name in text
    assert giveaways.summary() in page


def _with_digits(study: Study) -> Study:
    """Write the results of laboratory tests with three decimals."""
    lb = study["LB"].to_frame()
    values = lb["LBSTRESN"].to_numpy(float) + 0.001
    lb = lb.assign(LBSTRESN=values, LBSTRESC=[f"{value:.3f}" for value in values])
    return study.with_datasets([Dataset.from_frame("LB", lb) if one.name == "LB" else one for one in study.datasets.values()])


def test_bands_of_the_curves_hold_them() -> None:
    curves = report().evaluation.pictures.retention
    assert curves
    for curve in curves:
        for side, band in ((curve.source, curve.source_band), (curve.sample, curve.sample_band)):
            assert all(
                0 <= low <= share + 1e-9 and share - 1e-9 <= high <= 1 for share, (low, high) in zip(side, band, strict=True)
            )
            assert any(high - low > 0.05 for low, high in band)


def test_the_same_data_and_seed_give_the_same_bytes() -> None:
    again = evaluate(source(), made_study(2, 60), made_study(3, 60))
    assert again.to_html() == report().to_html()
    assert again.to_json() == report().to_json()
    assert again.to_markdown() == report().to_markdown()
    other = evaluate(source(), made_study(2, 60), made_study(3, 60), seed=5)
    assert other.to_json() != report().to_json()


def test_json_holds_the_whole_evaluation() -> None:
    text = report().to_json()
    read = EvaluationReport.from_json(text)
    assert read.to_json() == text
    assert read.to_html() == report().to_html()
    assert read.evaluation.pictures == report().evaluation.pictures


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{}", "no format number"),
        ('{"format": 99}', "format 99"),
        ('{"format": 1, "families": 3}', "Evaluation.families"),
    ],
)
def test_other_json_is_refused(text: str, says: str) -> None:
    with pytest.raises(ReadError, match=says):
        EvaluationReport.from_json(text)


@pytest.mark.parametrize(
    "asked",
    [("LB", "ALT"), ("DM", "AGE"), ("DM", "SEX"), ("AE", "lanes"), ("LB", "measured"), ("AE", "missing"), ("LB", "correlations")]
    + [("changes", "LB AST")]
    + [(name, "") for name in STUDY_PLOTS],
    ids=" ".join,
)
def test_every_plot_shows_itself(asked: tuple[str, str]) -> None:
    plot = report().plot(*asked)
    shown = plot._repr_html_()
    tags = _Tags()
    tags.feed(shown)
    assert tags.open == []
    assert "<svg" in shown and "<style>" in shown
    assert unescape(plot.title) in unescape(shown)


def test_json_begins_with_the_verdict() -> None:
    """What a pipeline asks first: the sentence and each grade with its reason."""
    told = json.loads(report().to_json())["verdict"]
    assert told["summary"] == report().conclusion.summary()
    assert [one["name"] for one in told["judgements"]] == [one.name for one in report().conclusion.judgements]
    assert {one["grade"] for one in told["judgements"]} <= {str(grade) for grade in Grade}


def test_what_the_sample_lacks_stands_on_the_first_page() -> None:
    sample = made_study(2, 60)
    said = evaluate(made_study(1, 60), Study({name: sample[name] for name in ("DM", "AE")}))
    lacking = said.evaluation.lacking
    assert lacking.startswith("The sample lacks ") and "LB" in lacking
    page = said.to_html()
    assert page.index(lacking) < page.index('class="tiles"')
    assert lacking in said.to_markdown()
    assert "The sample lacks" in said.to_text()[:600]


def test_the_source_cannot_be_held_out() -> None:
    source = made_study(1, 60)
    with pytest.raises(StudyError, match=r"DM: 60 of 60 subjects that are held out are subjects of the source"):
        evaluate(source, made_study(2, 60), holdout=source)


def test_a_plot_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"no picture of 'XX'; ask for one of DM, .*families"):
        report().plot("XX")
    with pytest.raises(ConfigError, match=r"LB: there is no picture of 'ALX'; ask for one of ALT, AST, .*measured") as raised:
        report().plot("LB", "ALX")
    assert "lanes" not in str(raised.value)  # there are none of results
    assert report().plot("lb", "alt").title == report().plot("LB", "ALT").title
    with pytest.raises(ConfigError, match=r"no changes of 'LB ALX'; ask for one of LB ALT, LB AST"):
        report().plot("changes", "LB ALX")


def test_markdown_has_the_tables_and_no_markup_of_names() -> None:
    text = report().to_markdown()
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert sum(map(len, tables)) > 60
    for table in tables:
        assert {re.sub(r"\\.", "", line).count("|") for line in table} == {table[1].count("|")}
    assert "## Laws" in text and "## Privacy" in text and "## Results of the study" in text


def test_the_terminal_is_not_too_narrow() -> None:
    assert max(len(line) for line in report().to_text(80).splitlines()) <= 80


def test_reports_are_written_and_replaced_by_their_kind_only(tmp_path: Path) -> None:
    paths = {"html": tmp_path / "r.html", "json": tmp_path / "r.json", "markdown": tmp_path / "r.md"}
    assert report().write(**paths) == list(paths.values())
    first = [path.read_bytes() for path in paths.values()]
    assert report().write(**paths) == list(paths.values())
    assert [path.read_bytes() for path in paths.values()] == first
    assert EvaluationReport.from_json(paths["json"].read_text()).to_json() == report().to_json()
    with pytest.raises(WriteError, match="Markdown"):
        report().write(html=paths["markdown"])


def test_it_shows_itself_in_a_notebook() -> None:
    shown = report()._repr_html_()
    assert "marginals" in shown and "laws held" in shown and "<table>" in shown


@pytest.mark.parametrize(("kept", "n"), [(("LB",), 8), (("AE",), 24), (("DM",), 8), (("DM", "DS"), 8)])
def test_small_and_odd_studies_have_a_report(kept: tuple[str, ...], n: int) -> None:
    """Eight subjects, one dataset: what cannot be told is said, and nothing fails."""
    made = evaluate(*(Study({name: made_study(seed, n)[name] for name in kept}) for seed in (4, 5)))
    page = made.to_html()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert EvaluationReport.from_json(made.to_json()).to_html() == page
    assert made.to_markdown() and made.to_text()


def _of_study(study: Study, name: str) -> Study:
    frames = {one.name: one.to_frame().assign(STUDYID=name) for one in study.datasets.values()}
    return Study({of: Dataset.from_frame(of, frame) for of, frame in frames.items()})


def test_another_study_is_named_before_all_else() -> None:
    source, sample, holdout = (made_study(seed, 30) for seed in (1, 2, 3))
    other = evaluate(_of_study(source, "ONE"), _of_study(sample, "TWO"), _of_study(holdout, "THREE"))
    sentence = (
        "By STUDYID these are different studies: the source is of ONE, the sample of TWO and who is held out of THREE; they are "
        "compared all the same."
    )
    page = unescape(other.to_html())
    assert page.index(sentence) < page.index(other.conclusion.summary())
    assert other.to_text(300).startswith(sentence)
    assert other.to_markdown().index(sentence) < other.to_markdown().index("measure")
    assert other.evaluation.from_json(other.to_json()).other_studies == sentence
    same = evaluate(_of_study(source, "ONE"), _of_study(sample, "ONE"))
    assert "By STUDYID" not in same.to_html() + same.to_text() + same.to_markdown()


def test_why_a_family_is_a_finding_stands_beside_it_and_in_the_legend() -> None:
    """A tenth of a range moves no ratio of many entries; the entry is named in all three reports."""
    evaluation = report().evaluation
    family = next(one for one in evaluation.families if one.n_entries)
    off = Offender("LB ALT level", 0.9, 0.1, certain=True)
    changed = replace(family, ratio=1.03, interval=Interval(0.97, 1.1), offenders=(off,), n_certain=1)
    made = EvaluationReport(replace(evaluation, families=(changed, *(one for one in evaluation.families if one is not family))))
    for text in (unescape(made.to_html()), made.to_markdown(), " ".join(made.to_text(400).split())):
        assert "by 1 single entry beyond chance" in text
        assert FAMILY_RULE in text
    assert "| LB ALT level | 0.9 | 0.1 | yes |" in made.to_markdown()


def test_a_dataset_of_fewer_than_five_subjects_of_the_source_is_not_counted() -> None:
    """Neither its rows nor its subjects, on the page or in the JSON; those of the sample are."""
    study, sample = made_study(1, 80), made_study(2, 60)
    few = study["AE"].to_frame()
    few = few[few["USUBJID"].isin(few["USUBJID"].unique()[:4])]
    made = evaluate(
        study.with_datasets([Dataset.from_frame("AE", few), *(one for one in study.datasets.values() if one.name != "AE")]), sample
    )
    shown = next(one for one in made.evaluation.pictures.datasets if one.name == "AE")
    assert (shown.rows_source, shown.subjects_source) == (0, 0) and shown.rows_sample == sample["AE"].n_rows
    assert "source fewer than 5 subjects, sample" in made.to_html()


def test_the_tile_of_a_single_finding_says_finding() -> None:
    evaluation = report().evaluation
    family = next(one for one in evaluation.families if one.n_entries)
    off = replace(family, ratio=2.0, interval=Interval(1.8, 2.2))
    assert len(evaluation.conclusion.of(Grade.FINDING)) == 1 and "<b>1</b>finding</div>" in report().to_html()
    made = EvaluationReport(replace(evaluation, families=(off, *(one for one in evaluation.families if one is not family))))
    assert "<b>2</b>findings</div>" in made.to_html()


def test_what_is_closed_on_the_screen_is_open_on_paper() -> None:
    """All but the list of laws that both keep, which is by far the longest, and says no more than its number."""
    page = report().to_html()
    assert page.count('<details class="kept"><summary>Passed by both') == page.count('class="kept"') == 1
    assert "<details><summary>" in page
    printed = "".join(re.findall(r"@media print\{(.*)\}\n", page))
    assert "details::details-content{content-visibility:visible" in printed
    assert ".measure details:not([open])" not in printed
    assert "details.kept:not([open])>.wide{display:none}" in printed


def test_fewer_than_five_failures_of_the_source_are_not_counted() -> None:
    """Neither on the page nor in what is mailed; those of who was held out are not in the JSON."""

    def dirty(seed: int) -> Study:
        study = made_study(seed, 80)
        ae = study["AE"].to_frame()
        ended = ae.index[ae["AEENDTC"].notna()]
        few = ae.loc[ended, "USUBJID"].value_counts().index[:4]
        ae.loc[ae["USUBJID"].isin(few) & ae["AEENDTC"].notna(), "AEENDTC"] = "2001-01-01"
        assert (ae["AEENDTC"] == "2001-01-01").sum() > 5  # more rows, and yet of fewer subjects
        return study.with_datasets([Dataset.from_frame("AE", ae) if one.name == "AE" else one for one in study.datasets.values()])

    laws = evaluate(dirty(1), made_study(2, 60), dirty(3)).evaluation.laws
    assert laws.holdout is not None
    found = [one for one in laws.sample.comparisons if "source_failed" in one.untold]
    assert found and all("fewer than 5 subjects, out of " in one.cells()[4] and "%" not in one.cells()[4] for one in found)
    for certificate, names in ((laws.sample, ("source",)), (laws.holdout, ("source", "sample"))):
        counts = [
            getattr(one, f"{name}_{what}") for one in certificate.comparisons for name in names for what in ("failed", "tested")
        ]
        assert not [n for n in counts if 0 < n < 5] and max(counts) > 5
    again = type(laws.sample).from_dict(laws.sample.to_dict())
    assert again == laws.sample


def test_a_prompt_shows_a_sentence() -> None:
    """Neither the report nor a picture floods a Python prompt; a dataset alone is answered by what of it there is to draw."""
    made = report()
    assert repr(made) == f"<EvaluationReport: {made.conclusion.summary()}>"
    assert len(repr(made)) < 400
    assert repr(made.plot("families")) == "<Plot: Distances from real subjects>"
    with pytest.raises(ConfigError, match="LB: say what of it to draw: one of "):
        made.plot("LB")
