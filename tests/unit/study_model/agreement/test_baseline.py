"""Flags of baselines: what the source keeps to is held in a sample, by the flag or by the date."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicator.profile.find import find_structure
from replicator.study_model.agreement.baseline import BaselineFlags
from replicator.tables.dataset import Study

from ..small_studies import make_study


def study_of(days: list[int], flags: list[str], visits: list[int]) -> Study:
    """Three subjects whose first dose is on 10 January; one test, four rows each."""
    ids = ["S1", "S2", "S3"]
    return make_study(
        DM={"USUBJID": ids, "RFXSTDTC": ["2020-01-10"] * 3, "RFSTDTC": ["2020-01-10"] * 3},
        LB={
            "USUBJID": np.repeat(ids, len(days) // 3).tolist(),
            "LBTESTCD": ["ALT"] * len(days),
            "LBDTC": [f"2020-01-{day:02}" for day in days],
            "LBBLFL": flags,
            "VISITNUM": [float(visit) for visit in visits],
        },
    )


def learned(source: Study) -> BaselineFlags:
    structure = find_structure(source, derivations=False)
    who = {"DM": np.arange(3, dtype=np.int32), "LB": np.repeat(np.arange(3, dtype=np.int32), source["LB"].n_rows // 3)}
    return BaselineFlags.fit(source.datasets, structure.datasets, who, "DM")


SOURCE_DAYS = [3, 9, 12, 20] * 3
VISITS = [1, 2, 3, 4] * 3
OWNERS = {"DM": np.arange(3, dtype=np.int32), "LB": np.repeat(np.arange(3, dtype=np.int32), 4)}


def test_a_flag_after_the_dose_and_a_second_one_go() -> None:
    """The flag does not follow from the visit: the first subject's is at another one."""
    source = study_of(SOURCE_DAYS, ["Y", "", "", "", *(["", "Y", "", ""] * 2)], VISITS)
    flags = learned(source)
    assert [(one.flag, one.dose, one.follows) for one in flags.flags] == [("LBBLFL", "RFXSTDTC", False)]
    made = study_of(SOURCE_DAYS, ["Y", "Y", "", "", "", "Y", "Y", "", "", "", "", "Y"], VISITS)
    held = flags.hold(made, OWNERS)["LB"]
    assert held.text("LBBLFL").strings().tolist() == ["", "Y", "", "", "", "Y", "", "", "", "", "", ""]
    assert held.text("LBDTC").strings().tolist() == made["LB"].text("LBDTC").strings().tolist()


def test_a_date_gives_way_where_the_visit_tells_the_flag() -> None:
    """What was drawn after the dose at a visit whose records are flagged is dated on its day."""
    [flag] = learned(study_of(SOURCE_DAYS, ["", "Y", "", ""] * 3, VISITS)).flags
    flags = BaselineFlags("DM", (replace(flag, follows=True),))
    made = study_of([3, 14, 20, 25] * 3, ["", "Y", "", ""] * 3, VISITS)
    held = flags.hold(made, OWNERS)["LB"]
    assert held.text("LBDTC").strings().tolist()[:4] == ["2020-01-03", "2020-01-10", "2020-01-20", "2020-01-25"]
    assert held.text("LBBLFL").strings().tolist() == made["LB"].text("LBBLFL").strings().tolist()


def test_a_source_that_flags_late_and_twice_keeps_to_nothing() -> None:
    """What the source does, its sample may do."""
    assert learned(study_of(SOURCE_DAYS, ["Y", "", "Y", ""] * 3, VISITS)).flags == ()


def test_a_second_flag_of_a_test_goes() -> None:
    """In the source each subject has the flag on its last record; in a sample the last of those that are flagged keeps it."""

    ids = [f"S{i:02}" for i in range(20)]
    dates = ["2020-01-03", "2020-01-09", "2020-01-12", "2020-01-20"] * 20

    def flagged(flags: list[str]) -> Study:
        lb = {"USUBJID": np.repeat(ids, 4).tolist(), "LBTESTCD": ["ALT"] * 80, "LBSTRESC": ["5"] * 80}
        return make_study(DM={"USUBJID": ids}, LB={**lb, "LBDTC": dates, "LBLASTFL": flags})

    source = flagged(["", "", "", "Y"] * 20)
    who = {"DM": np.arange(20, dtype=np.int32), "LB": np.repeat(np.arange(20, dtype=np.int32), 4)}
    structure = find_structure(source, derivations=False)
    flags = BaselineFlags.fit(source.datasets, structure.datasets, who, "DM")
    assert [(one.flag, one.circumstances) for one in flags.flags] == [("LBLASTFL", ("LBTESTCD",))]
    held = flags.hold(flagged(["Y", "", "Y", ""] * 20), who)["LB"]
    assert held.text("LBLASTFL").strings().tolist() == ["", "", "Y", ""] * 20
