"""What medicines are given for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.standards.medicine_needs import load_medicine_needs
from replicator.standards.stand_ins import load_stand_ins

NEEDS = load_medicine_needs()
WHOLE_CLASSES = (
    "DRUGS USED IN DIABETES",
    "LIPID MODIFYING AGENTS",
    "AGENTS ACTING ON THE RENIN-ANGIOTENSIN SYSTEM",
    "BETA BLOCKING AGENTS",
    "CALCIUM CHANNEL BLOCKERS",
    "DIURETICS",
    "DRUGS FOR ACID RELATED DISORDERS",
    "ANTITHROMBOTIC AGENTS",
    "UROLOGICALS",
    "THYROID THERAPY",
    "ANTIEPILEPTICS",
    "ANTI-PARKINSON DRUGS",
    "ANTINEOPLASTIC AGENTS",
    "DRUGS FOR OBSTRUCTIVE AIRWAY DISEASES",
    "ANTIHISTAMINES FOR SYSTEMIC USE",
    "ANTIBACTERIALS FOR SYSTEMIC USE",
)


@pytest.mark.parametrize(
    ("name", "need"),
    [  # stems as the World Health Organization defines them (The use of stems in the selection of INN, 2018)
        ("PERINDOPRIL ERBUMINE", "HYPERTENSION"),  # -pril, inhibitors of the angiotensin-converting enzyme
        ("Candesartan", "HYPERTENSION"),  # -sartan, antagonists of the angiotensin II receptor
        ("LEVAMLODIPINE", "HYPERTENSION"),  # -dipine, calcium channel blockers
        ("PITAVASTATIN CALCIUM", "HYPERLIPIDAEMIA"),  # -vastatin, inhibitors of HMG-CoA reductase
        ("ALOGLIPTIN", "DIABETES"),  # -gliptin, inhibitors of dipeptidyl peptidase 4
        ("ERTUGLIFLOZIN", "DIABETES"),  # -gliflozin, inhibitors of the sodium glucose co-transporter
        ("ILAPRAZOLE", "ACID-RELATED DISORDER"),  # -prazole, inhibitors of the proton pump
        ("CARIPIPRAZOLE", "PSYCHOSIS"),  # -piprazole, antipsychotics
        ("ALMOTRIPTAN", "MIGRAINE"),  # -triptan, agonists of 5-HT1 receptors
        ("ARFORMOTEROL", "OBSTRUCTIVE AIRWAY DISEASE"),  # -terol, bronchodilators
        ("TAFLUPROST", "GLAUCOMA"),  # -prost, prostaglandins
        ("PALONOSETRON", "NAUSEA"),  # -setron, antagonists of 5-HT3 receptors
    ],
)
def test_stems_of_international_names_tell(name: str, need: str) -> None:
    assert need in NEEDS.of_name(name)


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("NYSTATIN", ("FUNGAL INFECTION",)),  # no -vastatin
        ("PRILOSEC", ("ACID-RELATED DISORDER",)),  # no -pril
        ("TIMOLOL MALEATE", ("GLAUCOMA",)),  # -olol, yet in the eye
        ("DOMPERIDONE", ("NAUSEA",)),
        ("METHYLDOPA", ("HYPERTENSION",)),  # -dopa, yet no levodopa
        ("CARDURA", ("HYPERTENSION", "PROSTATE DISORDER")),
        ("HYDROCHLOROTHIAZIDE WITH TRIAMTERENE", ("HYPERTENSION", "HEART FAILURE")),
        ("TYLENOL W/CODEINE NO. 3", ("PAIN",)),
        ("VERBATIM_0303", ()),
        ("MULTIVITAMIN", ()),
        ("APRIL", ()),
        ("", ()),
    ],
)
def test_names_tell_before_stems(name: str, needs: tuple[str, ...]) -> None:
    assert NEEDS.of_name(name) == needs


def test_stand_ins_of_classes_for_conditions_have_needs() -> None:
    """No medicine of a class that is given for certain conditions is without."""
    classes = load_stand_ins().by_kind["medication"]
    assert [name for one in WHOLE_CLASSES for name in classes[one] if not NEEDS.of_name(name)] == []


def test_lists_are_consistent() -> None:
    """Capitals, conditions for each need, no stem that differs from a name, and no need of both sexes."""
    assert all(parts and all(part == part.upper() for part in parts) for parts in NEEDS.conditions.values())
    assert all(text == text.upper() for listed in (NEEDS.by_name, NEEDS.by_stem, NEEDS.by_class) for text in listed)
    assert all(NEEDS.by_name.get(stem, needs) == needs for stem, needs in NEEDS.by_stem.items())
    assert NEEDS.lasting | set(NEEDS.sexes) <= set(NEEDS.conditions)
    assert set(NEEDS.sexes.values()) == {"F", "M"}


def test_a_condition_names_its_own_need() -> None:
    """Each need is told by its own conditions, so that an indication and a history speak of the same."""
    for need, parts in NEEDS.conditions.items():
        assert all(need in NEEDS.of_indication(part) for part in parts)


def test_what_may_be_given_for_what_passes_restricts_nobody() -> None:
    """Aspirin is for pain as well; a beta blocker for several lasting conditions, any of which will do."""
    assert NEEDS.lasting_conditions("ASPIRIN") == ()
    assert {"HYPERTENS", "ARRHYTHM"} <= set(NEEDS.lasting_conditions("ATENOLOL"))


@given(st.text(max_size=30))
def test_case_and_signs_do_not_matter(text: str) -> None:
    """Any text has an answer, and what surrounds a name does not change it."""
    assert set(NEEDS.of_name(text)) <= set(NEEDS.conditions)
    assert NEEDS.of_name("simvastatin (" + "20 mg)") == NEEDS.of_name("SIMVASTATIN") == ("HYPERLIPIDAEMIA",)
