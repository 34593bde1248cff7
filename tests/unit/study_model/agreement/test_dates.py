"""Orders of dates: found where the source keeps to them, held in a sample."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.agreement.dates import DateOrder, DateOrders
from replicator.tables.dataset import Study

from ..small_studies import make_study

N = 40


def dates(days: list[int], clock: str = "") -> list[str]:
    """Write days of 2020, with a time of day."""
    return [f"{np.datetime64('2020-01-01') + day}{clock}" for day in days]


def study_of(start: list[str], end: list[str], event: list[str], closed: list[str]) -> Study:
    """One subject a row, with one event each."""
    ids = [f"S{i:02}" for i in range(len(start))]
    return make_study(
        DM={"USUBJID": ids, "RFSTDTC": start, "RFENDTC": end}, AE={"USUBJID": ids, "AESTDTC": event, "AEENDTC": closed}
    )


@pytest.fixture(scope="module")
def orders() -> DateOrders:
    """Events begin the day after the start at the earliest, and end on the last day at the latest, some of them exactly then."""
    day = list(range(N))
    start, end = day, [one + 30 for one in day]
    event = [one + (1 if one % 4 == 0 else one % 20) + (one % 4 > 0) for one in day]
    closed = [end[one] if one % 3 == 0 else event[one] + 2 for one in day]
    source = study_of(dates(start), dates(end), dates(event), dates(closed))
    who = np.arange(N, dtype=np.int32)
    return DateOrders.fit(source.datasets, {"DM": who, "AE": who}, "DM", {("DM", "RFENDTC"): ()}, 5)


def test_orders_are_found(orders: DateOrders) -> None:
    """The day between start and event, the last day that ends touch, and what follows from a derived date is not moved."""
    found = {(one.dataset, one.first, one.second): one for one in orders.orders}
    assert found["AE", "DM.RFSTDTC", "AESTDTC"] == DateOrder("AE", "DM.RFSTDTC", "AESTDTC", 1.0, ("AESTDTC",))
    assert found["AE", "AEENDTC", "DM.RFENDTC"].apart == 0.0
    assert ("AE", "AEENDTC", "AESTDTC") not in found and ("AE", "DM.RFENDTC", "AEENDTC") not in found
    assert all("RFENDTC" not in one.moves for one in orders.orders)


def test_what_breaks_an_order_is_moved_to_the_nearest_day(orders: DateOrders) -> None:
    """Events before the start, ends after the last day and a partial date of the year before; all others stay."""
    made = study_of(
        ["2021-03-05", "2021-03-05", "2021-03-05", "2021-03-05"],
        ["2021-04-04", "2021-04-04", "2021-04-04", "2021-04-04"],
        ["2021-03-05", "2021-03-20", "2021-03-20T10:30", "2020"],
        ["2021-03-09", "2021-05-01", "2021-05-01T09:00", ""],
    )
    who = np.arange(4, dtype=np.int32)
    held = orders.hold(made, {"DM": who, "AE": who})[0]["AE"]
    assert held.text("AESTDTC").strings().tolist() == ["2021-03-06", "2021-03-20", "2021-03-20T10:30", "2020"]
    assert held.text("AEENDTC").strings().tolist() == ["2021-03-09", "2021-04-04", "2021-04-04T09:00", ""]
    again = orders.hold(made.with_datasets([made["DM"], held]), {"DM": who, "AE": who})[0]
    assert again["AE"].text("AEENDTC").strings().tolist() == held.text("AEENDTC").strings().tolist()


def test_equal_times_are_equal() -> None:
    """Where two dates are the same to the minute in the source, they are in the sample."""
    day = list(range(N))
    stamp = dates(day, "T09:30")
    source = study_of(stamp, dates([one + 9 for one in day]), stamp, dates([one + 1 + one % 5 for one in day]))
    who = np.arange(N, dtype=np.int32)
    learned = DateOrders.fit(source.datasets, {"DM": who, "AE": who}, "DM", {}, 5)
    made = study_of(
        ["2021-03-05T08:00", "2021-03-06T11:00"], ["2021-04-01"] * 2, ["2021-03-05T09:15", "2021-03-04T10:45"], [""] * 2
    )
    held = learned.hold(made, {"DM": who[:2], "AE": who[:2]})[0]["AE"]
    assert held.text("AESTDTC").strings().tolist() == ["2021-03-05T08:00", "2021-03-06T11:00"]


def test_a_study_without_subjects_dataset_keeps_orders_within_rows() -> None:
    """An end that starts touch is held without any date of the subject."""
    ids, day = [f"S{i:02}" for i in range(N)], list(range(N))
    source = make_study(AE={"USUBJID": ids, "AESTDTC": dates(day), "AEENDTC": dates([one + one % 4 for one in day])})
    who = np.arange(N, dtype=np.int32)
    learned = DateOrders.fit(source.datasets, {"AE": who}, "DM", {}, 5)
    assert {(one.first, one.second) for one in learned.orders} == {("AESTDTC", "AEENDTC")}


def test_what_the_standard_says_of_dates_is_believed_of_one_subject() -> None:
    """A dose is not before the start of the study, however few subjects show it; a source that breaks it is not held to it."""
    for day, believed in (("2020-01-05", True), ("2019-12-30", False)):
        source = make_study(
            DM={"USUBJID": ["A"], "RFSTDTC": ["2020-01-01"]}, EX={"USUBJID": ["A"], "EXTRT": ["X"], "EXSTDTC": [day]}
        )
        who = np.zeros(1, np.int32)
        learned = DateOrders.fit(source.datasets, {"DM": who, "EX": who}, "DM", {}, 5)
        assert (DateOrder("EX", "DM.RFSTDTC", "EXSTDTC", 0.0, ("EXSTDTC",)) in learned.orders) is believed


def test_a_derived_date_that_contradicts_the_others_is_taken_back() -> None:
    """An end that follows from rows of another dataset, which lie before the start, is what was drawn with the subject."""
    source = make_study(DM={"USUBJID": ["A"], "RFSTDTC": ["2020-01-01"], "RFENDTC": ["2020-03-01"]})
    who = np.arange(2, dtype=np.int32)
    learned = DateOrders.fit(source.datasets, {"DM": who[:1]}, "DM", {("DM", "RFENDTC"): ("DS.DSSTDTC",)}, 5)
    ids, start = ["B", "C"], ["2021-01-01", "2021-01-01"]
    before = make_study(DM={"USUBJID": ids, "RFSTDTC": start, "RFENDTC": ["2021-02-01", "2021-02-01"]})
    after = make_study(DM={"USUBJID": ids, "RFSTDTC": start, "RFENDTC": ["2020-12-20", "2021-01-20"]})
    settled = learned.settle(after, before, {"DM": who})["DM"]
    assert settled.text("RFENDTC").strings().tolist() == ["2021-02-01", "2021-01-20"]


def test_nothing_comes_after_the_death_of_few() -> None:
    """Of two who died, an event that ends on the day or before it binds the ends of a sample; one that ends later does not."""
    ids, start = ["A", "B", "C"], ["2020-01-01"] * 3
    died = ["2020-03-01", "2020-04-01", ""]
    who = np.arange(3, dtype=np.int32)
    for last, believed in (("2020-04-01", True), ("2020-04-02", False)):
        source = make_study(
            DM={"USUBJID": ids, "RFSTDTC": start, "DTHDTC": died},
            AE={"USUBJID": ids, "AESTDTC": ["2020-02-01"] * 3, "AEENDTC": ["2020-02-09", last, "2020-07-01"]},
        )
        learned = DateOrders.fit(source.datasets, {"DM": who, "AE": who}, "DM", {}, 5)
        assert (DateOrder("AE", "AEENDTC", "DM.DTHDTC", 0.0, ("AEENDTC",)) in learned.orders) is believed
        made = make_study(
            DM={"USUBJID": ids, "RFSTDTC": start, "DTHDTC": died},
            AE={"USUBJID": ids, "AESTDTC": ["2020-02-01"] * 3, "AEENDTC": ["2020-03-03", "2020-03-05", "2020-09-01"]},
        )
        ends = learned.hold(made, {"DM": who, "AE": who})[0]["AE"].text("AEENDTC").strings().tolist()
        assert ends == ["2020-03-01" if believed else "2020-03-03", "2020-03-05", "2020-09-01"]


def test_of_two_derived_dates_the_other_gives_way_the_second_time() -> None:
    """An end is put back by what it follows from: then the start moves, if that follows from something as well."""
    both = DateOrder("SV", "SVSTDTC", "SVENDTC", 0.0, ("SVENDTC", "SVSTDTC"))
    one = DateOrder("AE", "AESTDTC", "AEENDTC", 0.0, ("AEENDTC", "AESTDTC"))
    turned = DateOrders("", (both, one)).other_way({("SV", "SVSTDTC"), ("SV", "SVENDTC"), ("AE", "AEENDTC")})
    assert [order.dataset for order in turned.orders] == ["SV"]
    made = make_study(SV={"USUBJID": ["A", "B"], "SVSTDTC": ["2020-03-05", "2020-03-05"], "SVENDTC": ["2020-03-02", "2020-03-07"]})
    held = turned.hold(made, {"SV": np.arange(2, dtype=np.int32)})[0]["SV"]
    assert held.text("SVSTDTC").strings().tolist() == ["2020-03-02", "2020-03-05"]
    assert held.text("SVENDTC").strings().tolist() == ["2020-03-02", "2020-03-07"]


def test_two_datasets_do_not_give_way_to_each_other() -> None:
    """The last dose is moved before the end, which the disposition tells; what comes after the last dose waits for the new one."""
    last = DateOrder("EX", "EXENDTC", "DM.RFENDTC", 0.0, ("EXENDTC",))
    after = DateOrder("DS", "DM.RFXENDTC", "DSSTDTC", 0.0, ("DSSTDTC",))
    made = make_study(
        DM={"USUBJID": ["A"], "RFENDTC": ["2020-03-01"], "RFXENDTC": ["2020-03-20"]},
        EX={"USUBJID": ["A"], "EXENDTC": ["2020-03-20"]},
        DS={"USUBJID": ["A"], "DSSTDTC": ["2020-03-01"]},
    )
    one = np.zeros(1, np.int32)
    follows = {"DM.RFENDTC": ("DS.DSSTDTC",), "DM.RFXENDTC": ("EX.EXENDTC",)}
    held, waiting = DateOrders("DM", (last, after)).hold(made, {"DM": one, "EX": one, "DS": one}, follows)
    assert held["EX"].text("EXENDTC").strings().tolist() == ["2020-03-01"]
    assert held["DS"].text("DSSTDTC").strings().tolist() == ["2020-03-01"]
    assert waiting.orders == (after,)


def test_dates_of_visits_give_way_last() -> None:
    """Orders of a dataset whose dates are its visits' come behind those of one whose dates lie between them."""
    ids, day = [f"S{i:02}" for i in range(N)], list(range(N))
    source = make_study(
        DM={"USUBJID": ids, "RFSTDTC": dates(day)},
        DS={"USUBJID": ids, "DSSTDTC": dates([one + one % 3 for one in day])},
        EX={"USUBJID": ids, "EXSTDTC": dates([one + one % 2 for one in day])},
    )
    who = np.arange(N, dtype=np.int32)
    for at_visits, first in ((("DS",), "EX"), (("EX",), "DS")):
        learned = DateOrders.fit(source.datasets, dict.fromkeys(("DM", "DS", "EX"), who), "DM", {}, 5, at_visits)
        assert learned.orders[0].dataset == first
