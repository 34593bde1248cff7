"""Names of the standard."""

from __future__ import annotations

import pytest

from replicator.profile.structure import Kind, Role
from replicator.standards.variables import _tables, domain_standard, is_suffix, subject_names, variable_standard


def test_every_role_kind_type_and_label_is_one_the_product_knows() -> None:
    tables = _tables()
    for name, (role, type_, label, _) in {**tables["variables"], **tables["suffixes"]}.items():
        assert role in set(Role), name
        assert type_ in ("char", "num"), name
        assert 0 < len(label) <= 40, name
    for code, domain in tables["domains"].items():
        assert domain["kind"] in set(Kind), code


@pytest.mark.parametrize(
    ("name", "prefix", "pattern", "role", "type_"),
    [
        ("USUBJID", "LB", "USUBJID", "subject", "char"),
        ("LBTESTCD", "LB", "--TESTCD", "topic", "char"),
        ("LBSTRESN", "LB", "--STRESN", "result", "num"),
        ("EXDOSE", "EX", "--DOSE", "qualifier", "num"),
        ("AEBODSYS", "AE", "--BODSYS", "synonym", "char"),
        ("VISITNUM", "LB", "VISITNUM", "visit", "num"),
        ("CMSTDTC", "CM", "--STDTC", "date", "char"),
        ("VSLOBXFL", "VS", "--LOBXFL", "flag", "char"),
        ("PCRFTDTC", "PC", "--RFTDTC", "timepoint", "char"),
    ],
)
def test_names_of_the_implementation_guide(name: str, prefix: str, pattern: str, role: str, type_: str) -> None:
    """Roles and types as SDTMIG 3.4 gives them for these variables."""
    found = variable_standard(name, prefix)
    assert found is not None
    assert (found.pattern, found.role, found.type) == (pattern, role, type_)


def test_a_name_with_the_letters_of_another_domain_is_not_the_standards() -> None:
    assert variable_standard("LBTESTCD", "VS") is None
    assert variable_standard("TESTCD", "") is None
    assert variable_standard("LBBLOOD", "LB") is None


def test_domains_and_subject_names() -> None:
    lb, ta = domain_standard("lb"), domain_standard("TA")
    assert lb is not None and ta is not None
    assert (lb.kind, lb.label) == ("findings", "Laboratory Test Results")
    assert ta.keys == ("ARMCD", "TAETORD")
    assert domain_standard("XX") is None
    assert is_suffix("TESTCD") and not is_suffix("WEATHER")
    assert subject_names()[0] == "USUBJID"
