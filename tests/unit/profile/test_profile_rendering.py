"""Profiles and comparisons as text and HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from replicator.profile.compare import compare_profiles
from replicator.profile.profile import profile_study
from replicator.profile.study_profile import Levels, StudyProfile
from replicator.reports.profile_charts import level_shares
from replicator.reports.profile_html import render_comparison_html, render_profile_html
from replicator.reports.profile_terminal import render_comparison_text, render_profile_text

from .profiled_studies import planted_study, study, table

_VOID = {"meta", "br", "rect", "circle", "polyline"}


class _Balanced(HTMLParser):
    """Fails on a tag that closes what is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def check_page(page: str) -> None:
    """A page is whole, balanced and needs no network."""
    parser = _Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "<title>" in page and 'name="viewport"' in page and "prefers-color-scheme:dark" in page and "@media print" in page
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)


@pytest.fixture(scope="module")
def planted() -> StudyProfile:
    return profile_study(planted_study())


def test_the_page_shows_what_is_in_the_profile(planted: StudyProfile) -> None:
    page = render_profile_html(planted)
    check_page(page)
    for words in ("Profile of PLANT", "WEIGHT", "RASH", "WEEK 8", "fewer than 5 subjects", "Vital Signs", "polyline"):
        assert words in page, words
    assert page == render_profile_html(StudyProfile.from_json(planted.to_json()))


def test_what_the_data_say_is_never_markup() -> None:
    rude = study(table("DM", "USUBJID ARM", *((f"S{i}", "<script>alert(1)</script>&") for i in range(8))))
    profile = profile_study(rude)
    for page in (render_profile_html(profile), profile._repr_html_()):
        assert "<script>" not in page
    assert "&lt;script&gt;" in render_profile_html(profile)
    assert "<script>alert(1)</script>" in render_profile_text(profile)  # a terminal runs no script
    markup = study(table("DM", "USUBJID ARM", *((f"S{i}", f"[bold]x[/nope] {'ab'[i % 2]}") for i in range(12))))
    assert "[bold]x[/nope]" in render_profile_text(profile_study(markup))


@pytest.mark.parametrize("width", [60, 120, 200])
def test_text_keeps_to_the_width(planted: StudyProfile, width: int) -> None:
    text = render_profile_text(planted, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "WEIGHT" in text and "RASH" in text
    assert "\x1b" not in text
    assert "\x1b" in render_profile_text(planted, width, color=True)


@pytest.mark.parametrize("n", [1, 4])
def test_tiny_studies_render(n: int) -> None:
    profile = profile_study(planted_study(n=n))
    check_page(render_profile_html(profile))
    assert f"{n} subject{'' if n == 1 else 's'}, 4 datasets" in render_profile_text(profile)
    assert "PLANT" in profile._repr_html_()


def test_comparisons_render(planted: StudyProfile) -> None:
    comparison = compare_profiles(planted, profile_study(planted_study(n=90, shift=12)))
    page, text = render_comparison_html(comparison), render_comparison_text(comparison, 100)
    check_page(page)
    assert "VS.WEIGHT" in page and "VS.WEIGHT" in text
    assert "Distributions" in page
    assert "VS.WEIGHT" in comparison._repr_html_() and repr(comparison).startswith("<ProfileComparison PLANT and PLANT")
    assert repr(planted) == f"<StudyProfile PLANT: 60 subjects, 4 datasets, {planted.n_rows:,} rows>"
    same = compare_profiles(planted, planted)
    check_page(render_comparison_html(same))
    assert "No difference stood out" in render_comparison_html(same)
    assert "0 differences" in render_comparison_text(same)


def test_shares_without_values() -> None:
    assert level_shares(Levels(())) == []
    assert level_shares(Levels((), 3, 8)) == [("3 others", 8, 1.0)]
