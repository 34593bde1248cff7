"""Dates of rows, as they stand to days that are known."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.columns.dated import DateFormat, DateGiven
from replicator.study_model.columns.odd_dates import lost_notes
from replicator.tables.dataset import Text
from replicator.tables.dates import Precision, format_dates, parse_dates

N = 400
NOTHING = np.zeros(N, int)
WHO = np.arange(N, dtype=np.int32)


def test_shares_of_what_a_date_follows_and_offsets_come_back() -> None:
    """Half on the visit, a quarter the day after the last dose, the rest 5 to 15 days after the visit."""
    rng = np.random.default_rng(1)
    visit, dose = 18000.0 + rng.integers(0, 300, N), 18500.0 + rng.integers(0, 300, N)
    what = rng.choice(3, N, p=[0.5, 0.25, 0.25])
    day = np.choose(what, [visit, dose + 1, visit + rng.integers(5, 16, N)])
    model = DateGiven.fit(day, {"VISIT": visit, "DOSE": dose}, [NOTHING], WHO, 5)
    assert model is not None
    drawn = model.sample({"VISIT": visit, "DOSE": dose}, [NOTHING], rng, N)
    assert (drawn == visit).mean() == pytest.approx(0.5, abs=0.09)
    assert (drawn == dose + 1).mean() == pytest.approx(0.25, abs=0.08)
    rest = (drawn - visit)[(drawn != visit) & (drawn != dose + 1)]
    assert rest.min() >= 0 and rest.mean() == pytest.approx(10, abs=1.5)


def test_states_depend_on_conditions() -> None:
    """Rows of one code fall on the visit, those of another on the dose."""
    visit, dose = 18000.0 + np.arange(N), 19000.0 + np.arange(N)
    code = np.arange(N) % 2
    model = DateGiven.fit(np.where(code == 0, visit, dose), {"VISIT": visit, "DOSE": dose}, [code], WHO, 5)
    assert model is not None
    drawn = model.sample({"VISIT": visit, "DOSE": dose}, [code], np.random.default_rng(2), N)
    np.testing.assert_array_equal(drawn, np.where(code == 0, visit, dose))


def test_a_row_that_agrees_with_two_references_follows_that_of_its_kind() -> None:
    """Follow-up begins on the last visit, which a third made on the day of the first dose's end; most rows begin with that end."""
    rng = np.random.default_rng(5)
    code = (np.arange(N) % 4 == 0).astype(int)
    dose, visit = 18000.0 + rng.integers(0, 90, N), 18200.0 + rng.integers(0, 90, N)
    visit = np.where(np.arange(N) % 3 == 0, dose, visit)
    model = DateGiven.fit(np.where(code == 1, visit, dose), {"DOSE": dose, "VISIT": visit}, [code], WHO, 5)
    assert model is not None and model.references[:2] == ("DOSE", "VISIT")
    later = visit + 40
    drawn = model.sample({"DOSE": dose, "VISIT": later}, [code], rng, N)
    np.testing.assert_array_equal(drawn, np.where(code == 1, later, dose))


def test_no_day_no_model() -> None:
    """Without a known day, or a reference that rows have, there is nothing to learn."""
    nan = np.full(N, np.nan)
    assert DateGiven.fit(nan, {"VISIT": np.arange(N, dtype=float)}, [NOTHING], WHO, 5) is None
    assert DateGiven.fit(np.arange(N, dtype=float), {"VISIT": nan}, [NOTHING], WHO, 5) is None


def test_missing_references_give_missing_days() -> None:
    """A row with no reference at all has no date."""
    visit = 18000.0 + np.arange(N)
    model = DateGiven.fit(visit, {"VISIT": visit}, [NOTHING], WHO, 5)
    assert model is not None
    gone = np.where(np.arange(N) < 10, np.nan, visit)
    drawn = model.sample({"VISIT": gone}, [NOTHING], np.random.default_rng(3), N)
    np.testing.assert_array_equal(np.isnan(drawn), np.isnan(gone))


def test_shares_of_precisions_come_back_by_condition() -> None:
    """Dates to the day in one code; to the month or the year, or with a time, in the other."""
    rng = np.random.default_rng(4)
    code = np.arange(N) % 2
    precision = np.where(code == 0, Precision.DAY, rng.choice([Precision.MONTH, Precision.YEAR, Precision.MINUTE], N)).astype(
        np.int8
    )
    text = format_dates(18000.0 + np.arange(N), np.full(N, 600.0), precision)
    model = DateFormat.fit(text, parse_dates(text), [code], WHO, 5)
    drawn = parse_dates(model.sample(18200.0 + np.arange(N), [code], rng)).precision
    assert (drawn[code == 0] == Precision.DAY).all()
    for one in (Precision.MONTH, Precision.YEAR, Precision.MINUTE):
        assert (drawn[code == 1] == one).mean() == pytest.approx(1 / 3, abs=0.12)


def test_odd_texts_of_many_stay_those_of_few_go() -> None:
    """ONGOING of 20 subjects is kept, a slip of one is not."""
    texts = ["2020-01-01"] * 30 + ["ONGOING"] * 20 + ["last spring"]
    column, who, nothing = Text.of(texts), np.arange(51, dtype=np.int32), np.zeros(51, int)
    model = DateFormat.fit(column, parse_dates(column), [nothing], who, 5)
    drawn = set(model.sample(np.full(500, 18000.0), [np.zeros(500, int)], np.random.default_rng(5)).strings().tolist())
    assert "ONGOING" in drawn and "last spring" not in drawn
    assert model.texts == ("ONGOING",)


def test_how_few_write_their_dates_is_not_told() -> None:
    """Two of twenty rows of one code lack the date, eighteen of the other: the cell of the first does not say so."""
    code, who = np.repeat([0, 1], 20), np.arange(40, dtype=np.int32)
    texts = ["2020-01-01"] * 18 + [""] * 2 + ["2020-01-01"] * 2 + [""] * 18
    column = Text.of(texts)
    model = DateFormat.fit(column, parse_dates(column), [code], who, 5)
    cells = model.written.levels[1]
    assert [part.tolist() for part in np.split(cells.targets, cells.starts[1:-1])] == [[Precision.DAY], [Precision.MISSING]]
    assert lost_notes("X", column, parse_dates(column), who, 5) == ()


def test_a_precision_of_few_is_not_written_and_noted() -> None:
    """Three of forty dates are known to the year: none of a sample is, and a sentence tells so."""
    column, who = Text.of(["2020-01-01"] * 37 + ["2020"] * 3), np.arange(40, dtype=np.int32)
    model = DateFormat.fit(column, parse_dates(column), [np.zeros(40, int)], who, 5)
    drawn = parse_dates(model.sample(np.full(500, 18000.0), [np.zeros(500, int)], np.random.default_rng(5)))
    assert (drawn.precision == Precision.DAY).all()
    (note,) = lost_notes("DM.RFPENDTC", column, parse_dates(column), who, 5)
    assert note.startswith("DM.RFPENDTC: 3 of 40 dates are known to the year, those of fewer than 5 subjects")


def test_dates_of_few_are_written_wherever_a_day_is_drawn() -> None:
    """Where fewer than k subjects have a date, days are written to the day, and what has no day stays missing."""
    model = DateFormat.to_the_day([np.zeros(40, int)], np.arange(40, dtype=np.int32), 5)
    day = np.array([18000.0, np.nan])
    drawn = model.sample(day, [np.zeros(2, int)], np.random.default_rng(5))
    assert drawn.strings().tolist() == ["2019-04-14", ""]


def test_a_closed_date_follows_nothing_of_other_conditions() -> None:
    """Three rows of kind 0 follow nothing, kind 1 the dose: closed, kind 0 follows its visit alone; open, sometimes a dose."""
    rng = np.random.default_rng(8)
    code = np.arange(N) % 2
    visit, dose = 18000.0 + rng.integers(0, 90, N), 19000.0 + rng.integers(0, 90, N)
    day = np.where(code == 0, visit, dose)
    day[[0, 2, 4]] += 40
    drawn = []
    for closed in (True, False):
        model = DateGiven.fit(day, {"VISIT": visit, "DOSE": dose}, [code], WHO, 5, closed=closed)
        assert model is not None
        given = np.zeros(20 * N, int)
        drawn.append(model.sample({"VISIT": np.tile(visit, 20), "DOSE": np.tile(dose, 20)}, [given], rng, 20 * N))
    assert (drawn[0] == np.tile(visit, 20)).all()
    assert (drawn[1] == np.tile(dose, 20)).any()


def test_a_closer_condition_tells_only_what_nearly_all_of_its_rows_share() -> None:
    """Who finished was seen last at the visit, all of them; of those who left, three each at days that their few do not tell."""
    visit = 18000.0 + np.arange(N)
    left = (np.arange(N) >= N - 30).astype(int)
    doses = {f"DOSE {i}": visit + 40 * (i + 1) for i in range(4)}
    day = visit.copy()
    for i, dose in enumerate(doses.values()):
        day[N - 12 + 3 * i : N - 9 + 3 * i] = dose[N - 12 + 3 * i : N - 9 + 3 * i]
    day[:40] = doses["DOSE 0"][:40]
    kind = (np.arange(N) < 40).astype(int)
    candidates = {"VISIT": visit, **doses}
    model = DateGiven.fit(day, candidates, [NOTHING], WHO, 5, closed=True, closer=2 * kind + left)
    assert model is not None
    drawn = model.sample(candidates, [NOTHING, 2 * kind + left], np.random.default_rng(9), N)
    assert (drawn == visit)[(left == 0) & (kind == 0)].all()
    assert (drawn == doses["DOSE 0"])[kind == 1].all()
    assert 0.02 < (drawn != visit)[left == 1].mean() < 0.4  # as of all rows together
