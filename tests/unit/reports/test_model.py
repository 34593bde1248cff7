"""What a model holds: counted over any tree of models, and said in plain words."""

from __future__ import annotations

import json

import numpy as np

from replicator.config import FitConfig
from replicator.models.marginals import QuantileMarginal
from replicator.reports.holdings import count_holdings
from replicator.reports.model import ModelDescription, PartDescription, describe_part, render_model_html, render_model_text
from replicator.tables.dataset import Text


def marginal(n: int) -> QuantileMarginal:
    """Fit a marginal on one value of each of `n` subjects."""
    return QuantileMarginal.fit(np.linspace(0.0, 1.0, n), np.arange(n), k=5)


def test_every_text_and_number_of_a_tree_is_counted() -> None:
    """Texts are found wherever they stand; arrays count with all their elements, keys of mappings do not count."""
    tree = {"a": (np.zeros((2, 3)), 1.5), "b": {"c": Text.of(["X", "Y", ""]), "d": "plain"}, "e": None}
    held = count_holdings(tree)
    assert held.texts == ("X", "Y", "plain")
    assert held.n_numbers == 6 + 1 + 3


def test_the_smallest_support_wins() -> None:
    """Of two marginals, the one with fewer subjects is what the person who signs must know."""
    held = count_holdings({"many": marginal(80), "few": marginal(12)})
    assert held.fewest_subjects == 12
    assert held.kinds["quantile marginal"] == 2
    assert count_holdings({"no": 1.0}).fewest_subjects is None


def description(k: int) -> ModelDescription:
    """Describe a model of two parts."""
    parts = (
        describe_part("LB", "findings", {"ALT": marginal(40), "names": Text.of(["ALT", "AST"])}),
        PartDescription("AE", "events", 3, ()),
    )
    return ModelDescription(
        "TOY", 40, FitConfig(k=k), parts, {"TA": 8}, 120, 3, ("AE.AETERM: 4 texts of one subject each were left out.",)
    )


def test_the_sentences_name_bounds_and_counts() -> None:
    """Subjects, k, the fewest subjects behind a value, copied datasets and rules are all said."""
    said = " ".join(description(5).sentences())
    for word in (
        "TOY",
        "40 subjects",
        "fewer than 5",
        "bound is 3",
        "learned from are 40",
        "TA (8)",
        "120 rules",
        "of 3 that it failed",
    ):
        assert word in said
    assert "lower than usual" not in said
    assert "lower than usual" in " ".join(description(2).sentences())


def test_text_page_and_json_hold_the_same() -> None:
    """The terminal fits its width, the page is escaped, and JSON has all texts."""
    shown = description(5)
    assert all(len(line) <= 90 for line in render_model_text(shown, 90).splitlines())
    assert "AE.AETERM" in render_model_text(shown, 90)
    assert shown._repr_html_().count("<tr>") == 3
    assert render_model_html(shown).startswith("<!DOCTYPE html>")
    plain = json.loads(shown.to_json())
    assert plain["parts"][0]["texts"] == ["ALT", "AST"]
    assert plain["config"]["k"] == 5
    assert plain["fewest_subjects"] == 40


def test_every_part_says_how_few_subjects_stand_behind_its_values() -> None:
    """The bound of the fit, which is that of coded terms where the part holds a catalogue of terms."""
    shown = description(5)
    terms = PartDescription("CM", "events", 3, (), {"term catalogue": 1, "quantile marginal": 2}, 40)
    assert [shown.support(part) for part in (*shown.parts, terms)] == ["≥ 5", "≥ 5", "≥ 3"]
    assert shown.support(PartDescription("QS", "empty findings", 0, ())) == ""
    assert "≥ 5" in render_model_text(shown, 90) and "≥ 5" in render_model_html(shown) and "≥ 5" in shown._repr_html_()
