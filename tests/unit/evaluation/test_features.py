from __future__ import annotations

import numpy as np
import pytest

from replicator.evaluation.features import FeatureTable, feature_table
from replicator.evaluation.stack import Stack, stack_studies
from replicator.evaluation.timeline import Timeline

from .made_study import made_study


@pytest.fixture(scope="module")
def described() -> tuple[Stack, FeatureTable]:
    stack = stack_studies(made_study(1, 60), made_study(2, 40))
    return stack, feature_table(stack, Timeline(stack))


def _column(table: FeatureTable, name: str) -> np.ndarray:
    return table.values[:, table.names.index(name)]


def test_features_are_what_pandas_counts(described: tuple[Stack, FeatureTable]) -> None:
    stack, table = described
    source = made_study(1, 60)
    ids = [str(one)[2:] for one in stack.view.subject_ids[stack.origin == 0]]
    lb, ae, dm = (source[name].to_frame() for name in ("LB", "AE", "DM"))
    alt = lb[lb.LBTESTCD == "ALT"].sort_values(["USUBJID", "LBDTC"]).groupby("USUBJID").LBSTRESN
    rows = ae.groupby("USUBJID").size()
    expected = {
        "LB ALT level": alt.mean(),
        "LB ALT spread": alt.std(),
        "LB ALT change": (alt.last() - alt.first()).where(alt.size() > 1),
        "visits": alt.size().astype(float),
        "AE rows": rows.reindex(ids, fill_value=0).astype(float),
        "AE NAUSEA rows": ae[ae.AEDECOD == "NAUSEA"].groupby("USUBJID").size().reindex(ids, fill_value=0).astype(float),
        "AE AESEV SEVERE": (ae.AESEV == "SEVERE").groupby(ae.USUBJID).mean(),
        "DM AGE": dm.set_index("USUBJID").AGE,
        "DM SEX F": (dm.set_index("USUBJID").SEX == "F").astype(float),
    }
    for name, values in expected.items():
        found = _column(table, name)[stack.origin == 0]
        np.testing.assert_allclose(found, values.reindex(ids).to_numpy(float), err_msg=name)


def test_participation_is_counted_from_the_reference(described: tuple[Stack, FeatureTable]) -> None:
    stack, table = described
    dm = made_study(1, 60)["DM"].to_frame().set_index("USUBJID")
    ids = [str(one)[2:] for one in stack.view.subject_ids[stack.origin == 0]]
    days = (dm.RFENDTC.astype("datetime64[s]") - dm.RFSTDTC.astype("datetime64[s]")).dt.days
    assert _column(table, "days in the study")[stack.origin == 0].tolist() == days[ids].tolist()


def test_no_feature_says_nothing_or_the_same_as_another(described: tuple[Stack, FeatureTable]) -> None:
    stack, table = described
    assert len(set(table.names)) == len(table.names) == len(table.datasets) == table.values.shape[1]
    assert len(np.unique(np.nan_to_num(table.values, nan=-1e9), axis=1).T) == table.values.shape[1]
    source = table.values[stack.origin == 0]
    assert all(len(np.unique(column)) > 1 for column in source.T)
