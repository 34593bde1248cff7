"""Roles against the SDTM Implementation Guide 3.4: 5.2 (DM), 6.3.5.6 (LB), 6.2.1 (AE), 6.1.3 (EX), 7.2.1 (TA), 5.1 (CO)."""

import pytest

from replicator.standards.variable_roles import variable_role

PUBLISHED = {
    "DM": {
        "USUBJID": "Identifier",
        "SUBJID": "Topic",
        "RFSTDTC": "Record Qualifier",
        "AGEU": "Variable Qualifier",
        "ARM": "Synonym Qualifier",
    },
    "LB": {
        "LBSEQ": "Identifier",
        "LBTESTCD": "Topic",
        "LBTEST": "Synonym Qualifier",
        "LBCAT": "Grouping Qualifier",
        "LBORRES": "Result Qualifier",
    }
    | {
        "LBORRESU": "Variable Qualifier",
        "LBSTAT": "Record Qualifier",
        "LBNRIND": "Variable Qualifier",
        "LBDY": "Timing",
        "VISITNUM": "Timing",
    },
    "AE": {
        "AETERM": "Topic",
        "AEDECOD": "Synonym Qualifier",
        "AELLT": "Variable Qualifier",
        "AEBODSYS": "Record Qualifier",
        "AESER": "Record Qualifier",
    }
    | {"AESTDTC": "Timing", "AEENRF": "Timing"},
    "EX": {"EXTRT": "Topic", "EXDOSE": "Record Qualifier", "EXDOSU": "Variable Qualifier", "EPOCH": "Timing"},
    "TA": {"ARMCD": "Topic", "ARM": "Synonym Qualifier", "ETCD": "Record Qualifier", "EPOCH": "Timing", "TATRANS": "Rule"},
    "SV": {"VISITNUM": "Topic"},
    "CO": {"COVAL": "Topic", "RDOMAIN": "Record Qualifier"},
}


@pytest.mark.parametrize("domain", PUBLISHED)
def test_roles_are_those_of_the_guide(domain: str) -> None:
    assert {name: variable_role(name, domain) for name in PUBLISHED[domain]} == PUBLISHED[domain]


def test_a_name_of_no_standard_has_no_role() -> None:
    assert variable_role("LBSPACE", "LB") is None
    assert variable_role("AVAL", "ADLB") is None
    assert variable_role("QNAM", "SUPPDM") is None
