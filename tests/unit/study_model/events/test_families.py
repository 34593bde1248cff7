"""Families of terms."""

from __future__ import annotations

import numpy as np

from replicator.study_model.events.families import family_of, find_families

TEXTS = ["Site rash", "SITE PAIN", "Fatigue", "Chest pain", "Chest tightness", "Pain"]


def test_a_family_has_several_terms_and_enough_subjects() -> None:
    """Chest has two terms, but of three subjects; pain is a word of one term alone, and of another that begins otherwise."""
    unit = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 4, 4])
    subject = np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2], np.int32)
    assert find_families(TEXTS, unit, subject, 5) == ("site",)
    assert find_families(TEXTS, unit, subject, 3) == ("chest", "site")


def test_subjects_count_once() -> None:
    """Ten occurrences of two terms of one subject are no family."""
    assert find_families(TEXTS, np.tile([0, 1], 5), np.zeros(10, np.int32), 2) == ()


def test_family_of_a_text_is_told_by_its_first_word() -> None:
    assert family_of(["site swelling", "SITE", "ONSITE RASH", "", "Chest pain"], ("chest", "site")).tolist() == [1, -1, -1, -1, 0]
