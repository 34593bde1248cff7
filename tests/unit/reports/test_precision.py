"""How sure a model says that it is."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.config import FitConfig
from replicator.models.joint import JointModel
from replicator.reports.model import ModelDescription, render_model_html, render_model_text
from replicator.reports.precision import Precision, measure_precision


def measured(n: int, difference: float, arms: tuple[int, ...], seed: int = 6) -> Precision:
    """Fit two levels, one missing in a fifth of the subjects, and a flag."""
    rng = np.random.default_rng(seed)
    share = np.array(arms) / sum(arms)
    group = np.repeat(np.arange(len(arms)), np.array(arms) * n // sum(arms))
    level = rng.standard_normal(len(group)) + difference * group
    other = np.where(np.arange(len(group)) % 5 == 0, np.nan, rng.standard_normal(len(group)))
    flag = (rng.random(len(group)) < 0.5).astype(float)
    values = {"number AGE": level, "LB/level[A]": level, "LB/level[B]": other, "AE/any": flag}
    joint = JointModel.fit(values, frozenset(), group, np.zeros(len(arms), np.int64), 5)
    return measure_precision(joint, tuple(f"arm {i}" for i in range(len(arms))), share, n)


def test_standard_errors_are_those_of_the_textbook() -> None:
    """100 subjects: 0.1 of a mean, 0.05 of a share of one half, 1/sqrt(97) of a correlation; parts say whom they rest on."""
    found = measured(100, 1.0, (50, 50))
    assert found.share_error == pytest.approx(0.05)
    assert found.correlation_error == pytest.approx(97**-0.5)
    parts = {part.name: part for part in found.parts}
    assert (parts["subjects"].n_subjects, parts["LB"].n_subjects, parts["LB"].fewest_subjects) == (100, 90, 80)
    assert parts["subjects"].mean_error == pytest.approx(0.1)
    assert parts["subjects"].spread_error == pytest.approx(200**-0.5)
    assert parts["AE"].n_subjects is None and parts["AE"].n_traits == 1


def test_arms_that_differ_keep_more_of_their_own() -> None:
    """Arms two standard deviations apart keep nearly all of their difference; it is said which arms are too small."""
    apart, alike = (
        np.mean([measured(120, difference, (60, 60), seed).parts[0].own or 0.0 for seed in range(12)]) for difference in (2.0, 0.0)
    )
    assert apart > 0.9 > 0.4 > alike
    said = " ".join(measured(104, 0.0, (100, 4)).sentences(5))
    assert "1 of 2 arms has fewer than 5 subjects, and its values" in said and "arm 1" in said


def test_one_subject_in_one_arm_is_said_in_the_singular() -> None:
    said = " ".join(Precision(1, {"A": 1}, 1.0, 0.5, ()).sentences(5))
    assert said.startswith("From 1 subject a share")
    assert "1 of 1 arm has fewer than 5 subjects, and its values" in said


def test_reports_show_it() -> None:
    """Terminal, page and JSON have the section."""
    model = ModelDescription("TOY", 100, FitConfig(), (), {}, 1, 0, (), measured(100, 1.0, (50, 50)))
    text = render_model_text(model)
    assert "How sure it is" in text and "percentage points" in text
    assert any(line.split()[:2] == ["LB", "2"] for line in text.splitlines())
    assert "How sure it is" in render_model_html(model)
    assert '"mean_error"' in model.to_json()
