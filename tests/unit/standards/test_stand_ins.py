"""Stand-in terms: every class has enough, names are found as studies write them, own dictionaries take precedence."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.errors import ConfigError, ReadError
from replicator.standards.medicine_use import load_medicine_use
from replicator.standards.stand_ins import KINDS, StandIns, load_stand_ins

BUILT_IN, USE = load_stand_ins(), load_medicine_use()


@pytest.mark.parametrize("kind", KINDS)
def test_the_lists_are_clean(kind: str) -> None:
    """Capitals, no blanks around, no doubles within a class, at most 200 characters as the standard allows."""
    for name, terms in BUILT_IN.by_kind[kind].items():
        assert name == name.upper().strip()
        assert len(set(terms)) == len(terms) > 0, name
        assert all(term == term.upper() == " ".join(term.split()) and 0 < len(term) <= 200 for term in terms), name


def test_the_lists_are_long_enough() -> None:
    events = BUILT_IN.by_kind["event"]
    assert len(events) == 27
    assert sum(map(len, events.values())) > 3000
    assert min(map(len, events.values())) >= 40
    assert sum(map(len, BUILT_IN.by_kind["procedure"].values())) > 300
    assert len({term for terms in BUILT_IN.by_kind["medication"].values() for term in terms}) > 550


@pytest.mark.parametrize(
    ("written", "kind", "meant"),
    [
        ("Gastrointestinal disorders", "event", "GASTROINTESTINAL DISORDERS"),
        ("GASTROINTESTINAL", "event", "GASTROINTESTINAL DISORDERS"),
        (
            "  general disorders  and administration site conditions",
            "event",
            "GENERAL DISORDERS AND ADMINISTRATION SITE CONDITIONS",
        ),
        (
            "NEOPLASMS BENIGN, MALIGNANT AND UNSPECIFIED",
            "event",
            "NEOPLASMS BENIGN, MALIGNANT AND UNSPECIFIED (INCL CYSTS AND POLYPS)",
        ),
        ("Musculo-skeletal", "event", "MUSCULOSKELETAL AND CONNECTIVE TISSUE DISORDERS"),
        ("Skin", "event", "SKIN AND SUBCUTANEOUS TISSUE DISORDERS"),
        ("HEART", "event", "CARDIAC DISORDERS"),
        ("CNS", "event", "NERVOUS SYSTEM DISORDERS"),
        ("Renal disease", "event", "RENAL AND URINARY DISORDERS"),
        ("NERVOUS SYSTEM", "medication", "NERVOUS SYSTEM"),
        ("SYSTEMIC HORMONAL PREPARATIONS, EXCL.", "medication", "SYSTEMIC HORMONAL PREPARATIONS, EXCL. SEX HORMONES AND INSULINS"),
        ("Musculoskeletal system", "medication", "MUSCULO-SKELETAL SYSTEM"),
        ("BETA BLOCKERS", "medication", "BETA BLOCKING AGENTS"),
        ("ANTIBACTERIAL", "medication", "ANTIBACTERIALS FOR SYSTEMIC USE"),
        ("Lipid modifying agents, plain", "medication", "LIPID MODIFYING AGENTS"),
        ("SURGERY", "procedure", "SURGICAL PROCEDURES"),
    ],
)
def test_classes_are_found_as_studies_write_them(written: str, kind: str, meant: str) -> None:
    assert BUILT_IN.closest(written, kind) == meant
    assert BUILT_IN.terms(written, kind) == BUILT_IN.by_kind[kind][meant]


def test_an_unlisted_class_gets_the_most_ordinary_of_all() -> None:
    """First terms of all classes come before second ones, and none is lost."""
    terms = BUILT_IN.terms("UNCODED", "event")
    classes = BUILT_IN.by_kind["event"]
    assert set(terms[: len(classes)]) == {first[0] for first in classes.values()}
    assert set(terms) == {term for each in classes.values() for term in each}


@given(st.text(max_size=30), st.sampled_from(KINDS))
def test_no_name_is_left_without_terms(name: str, kind: str) -> None:
    assert BUILT_IN.terms(name, kind)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="'device' is no kind"):
        BUILT_IN.terms("CARDIAC DISORDERS", "device")


def test_an_own_dictionary_replaces_its_kinds_only(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "Class,Term,Kind,Code\nHerzerkrankungen,Herzklopfen,event,1\nHerzerkrankungen,Vorhofflimmern,Event,2\n", "utf-8-sig"
    )
    own = load_stand_ins(path)
    assert own.by_kind["event"] == {"HERZERKRANKUNGEN": ("Herzklopfen", "Vorhofflimmern")}
    assert own.terms("anything", "event") == ("Herzklopfen", "Vorhofflimmern")
    assert own.by_kind["medication"] == BUILT_IN.by_kind["medication"]
    assert isinstance(own, StandIns)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"term,class\nx,y\n", "lacks the columns kind"),
        (b"", "lacks the columns term, class, kind"),
        (b"term,class,kind\n", "has no terms"),
        (b"term,class,kind\nx,y,device\n", "line 2 has the term 'x' of kind 'device'"),
        (b"term,class,kind\n ,y,event\n", "line 2 has the term ''"),
        (b"term,class,kind\nx\n", "line 2"),
        (b"term,class,kind\n\xe9,y,event\n", "cannot be read"),
    ],
)
def test_bad_dictionaries_give_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(ReadError, match=words):
        load_stand_ins(tmp_path / "own.csv")
    with pytest.raises(ReadError, match=r"absent\.csv"):
        load_stand_ins(tmp_path / "absent.csv")


@pytest.mark.parametrize("term", ["CHOLECYSTECTOMY", "PROSTATECTOMY", "KNEE OPERATION", "INGUINAL HERNIA REPAIR", "COLONOSCOPY"])
def test_what_is_done_to_somebody_is_never_chronic(term: str) -> None:
    """An operation is planned or past; it is no illness that recurs, lasts or is suspected."""
    said = " ".join(BUILT_IN.forms(term, "event"))
    assert "STATUS POST {}" in said
    assert not {"RECURRENT", "CHRONIC", "ACUTE", "SUSPECTED"} & set(said.split())


@pytest.mark.parametrize(
    ("term", "sex"),
    [
        ("Hysterectomy", "F"),
        ("Benign prostatic hyperplasia", "M"),
        ("ESTROGENS CONJUGATED", "F"),
        ("Osteopenia", ""),
        ("Gastrointestinal ulcer", ""),
        ("Calculus ureteric", ""),
        ("HYPERTENSION", ""),
        ("Breast cancer", "F"),
        ("Gynaecomastia", "M"),
    ],
)
def test_terms_of_one_sex_are_known_by_their_words(term: str, sex: str) -> None:
    assert BUILT_IN.sex_of(term) == sex


def test_every_class_of_the_smaller_lists_is_one_of_the_greater() -> None:
    """Fatal events stand under classes of events; each form has one place for the term."""
    assert set(BUILT_IN.grave) <= set(BUILT_IN.by_kind["event"])
    assert set(BUILT_IN.phrases) - {"operation", "finding", *KINDS} <= set(USE.by_route)
    assert all(form.count("{}") == 1 for one in BUILT_IN.phrases.values() for form in one["forms"])


@pytest.mark.parametrize("name", ["by_sex", "by_age", "lasting", "once"])
def test_beginnings_of_words_are_clean(name: str) -> None:
    """Capitals, no doubles."""
    starts: dict[str, tuple[str, ...]] = getattr(BUILT_IN, name)
    assert all(len(set(some)) == len(some) and all(start == start.upper().strip() for start in some) for some in starts.values())


def test_every_class_has_terms_for_either_sex_at_any_age() -> None:
    for name, terms in BUILT_IN.by_kind["event"].items():
        rest = [term for term in terms if not BUILT_IN.sex_of(term) and not BUILT_IN.begins_in_childhood(term)]
        assert len(rest) >= 10 or name.startswith("PREGNANCY"), name


def test_what_can_be_lost_once_is_known_by_its_words() -> None:
    assert BUILT_IN.lost_by("TOTAL ABDOMINAL HYSTERECTOMY") == BUILT_IN.lost_by("Hysterectomy") != ""
    assert not BUILT_IN.lost_by("KNEE ARTHROPLASTY") and not BUILT_IN.lost_by("APPENDICITIS")


@pytest.mark.parametrize(
    ("term", "least"),
    [("TRANSURETHRAL PROSTATECTOMY", 45), ("Hip arthroplasty", 45), ("APPENDICECTOMY", 0), ("ATHEROSCLEROSIS CORONARY ARTERY", 40)],
)
def test_ages_before_which_hardly_anything_of_a_kind_begins(term: str, least: int) -> None:
    assert BUILT_IN.least_age_of(term) == least


def test_every_age_is_one_of_adults_and_every_class_has_terms_of_the_young() -> None:
    """A cohort of the young finds terms in every class; no term both begins in childhood and hardly ever before an age."""
    assert all(18 <= int(age) <= 60 for age in BUILT_IN.by_age if age != "CHILD")
    for name, terms in BUILT_IN.by_kind["event"].items():
        assert len([term for term in terms if BUILT_IN.least_age_of(term) == 0]) >= 10, name
        assert not [term for term in terms if BUILT_IN.least_age_of(term) and BUILT_IN.begins_in_childhood(term)], name


def test_what_lasts_is_no_operation() -> None:
    assert BUILT_IN.lasts("Essential hypertension") and BUILT_IN.lasts("DEMENTIA ALZHEIMER'S TYPE")
    assert not BUILT_IN.lasts("SKIN NEOPLASM EXCISION") and not BUILT_IN.lasts("UPPER RESPIRATORY TRACT INFECTION")


def test_nobody_who_lives_has_died() -> None:
    """Terms that stand for any event are none that say of the subject that it died; those for fatal events may."""
    stand_ins = load_stand_ins()
    told = {
        term for terms in stand_ins.by_kind["event"].values() for term in terms if re.search(r"\bDEATH\b|\bFATAL|\bDIED\b", term)
    }
    assert told <= {"FOETAL DEATH"}
    assert any("DEATH" in term for terms in stand_ins.grave.values() for term in terms)


def test_names_of_qualifiers_are_names() -> None:
    """A QNAM has at most eight characters (SDTMIG 3.4, 8.4.1), and begins with a letter."""
    assert all(re.fullmatch("[A-Z][A-Z0-9]{0,7}", name) for name in BUILT_IN.terms("", "qualifier"))
    assert BUILT_IN.forms("RARE1", "qualifier") == ()


def test_what_is_never_mild_stands_in_for_deaths_alone() -> None:
    """Severities are drawn without regard to the name: nobody has a mild cardiac arrest that is over the next day."""
    known = load_stand_ins()
    ordinary = {term for terms in known.by_kind["event"].values() for term in terms}
    assert not ordinary & {"CARDIAC ARREST", "SEPTIC SHOCK", "AORTIC DISSECTION", "COMA", "RESPIRATORY FAILURE", "LACTIC ACIDOSIS"}
    assert {"CARDIAC ARREST", "SEPTIC SHOCK", "RESPIRATORY FAILURE"} <= {term for terms in known.grave.values() for term in terms}
