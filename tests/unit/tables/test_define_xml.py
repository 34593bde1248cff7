"""Define-XML: published documents of three versions are read, our own is valid and comes back, hostile ones are refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicator.errors import ReadError, WriteError
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Text, Variable
from replicator.tables.define_xml import apply_define, read_define, write_define

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared example studies are not here")

DM = Dataset(
    "DM",
    (
        Variable("STUDYID", "Study Identifier", "char", 4),
        Variable("USUBJID", "Unique Subject Identifier", "char", 8),
        Variable("RFSTDTC", "Subject Reference Start Date/Time", "char", 20),
        Variable("BRTHDTC", "Date/Time of Birth", "char", 10),
        Variable("AGE", "Age", "num", 8),
        Variable("SEX", "Sex", "char", 1, "", "Sex"),
    ),
    {
        "STUDYID": Text.constant("S-01", 2),
        "USUBJID": Text.of(["S-01-1", "S-01-2"]),
        "RFSTDTC": Text.of(["2020-01-02", "2020-01-03"]),
        "BRTHDTC": Text.of(["1950", "1951-03-01"]),
        "AGE": Numbers(np.array([69.0, np.nan])),
        "SEX": Text.of(["F", "M"]),
    },
    "Demographics & more <é>",
)
LB = Dataset(
    "LBCH",
    (
        Variable("DOMAIN", "", "char", 2),
        Variable("USUBJID", "Unique Subject Identifier", "char", 8),
        Variable("LBTESTCD", "Lab Test Short Name", "char", 8),
        Variable("LBSTRESN", "Numeric Result", "num", 8, "8.2", "", 2),
        Variable("LBDTC", "Date/Time", "char", 16),
        Variable("LBDUR", "Duration", "char", 4),
        Variable("LBSTNRC", "Grade", "num", 8, "", "Grade", 1),
    ),
    {
        "DOMAIN": Text.constant("LB", 2),
        "USUBJID": Text.constant("S-01-1", 2),
        "LBTESTCD": Text.constant("ALT", 2),
        "LBSTRESN": Numbers(np.array([1.25, 3.0])),
        "LBDTC": Text.of(["2020-01-02T10:00", "2020-01"]),
        "LBDUR": Text.of(["P1D", None]),
        "LBSTNRC": Numbers(np.array([1.0, 2.0])),
    },
)
CODELISTS = {
    "Sex": (CodelistTerm("F", "Female"), CodelistTerm("M", "Male"), CodelistTerm("U", "U")),
    "Grade": (CodelistTerm("1"), CodelistTerm("2")),
    "grade!": (CodelistTerm("a & b"),),
}
STUDY = Study({"DM": DM, "LBCH": LB}, CODELISTS)


@needs_shared
def test_a_published_define_2_1_is_read() -> None:
    """Metadata submission study 2.0 of CDISC: counts and entries as they stand in its define.xml."""
    define = read_define(SHARED / "msg-v2" / "define" / "define.xml")
    assert (define.study, define.version, len(define.datasets), define.notes) == ("CDISCPILOT01", "2.1.0", 31, ())
    dm = define.datasets["DM"]
    assert dm.label == "Demographics"
    assert dm.keys == ("STUDYID", "USUBJID")
    assert dm.variable("AGE") == Variable("AGE", "Age", "num", 8, "", "")
    assert define.datasets["AE"].variables[:2] == (
        Variable("STUDYID", "Study Identifier", "char", 12),
        Variable("DOMAIN", "Domain Abbreviation", "char", 2, "", define.datasets["AE"].variables[1].codelist),
    )
    action = define.codelists[define.datasets["AE"].variable("AEACN").codelist]  # type: ignore[union-attr]
    assert CodelistTerm("DOSE NOT CHANGED", "Dose Not Changed") in action
    assert all(define.codelists.values())
    assert "QSPH" in define.datasets


@needs_shared
def test_the_pilot_study_s_define_1_0_is_read() -> None:
    """Version 1.0 has its labels in attributes; the pilot's document describes 22 datasets and more."""
    define = read_define(SHARED / "cdiscpilot01" / "define.xml")
    assert define.version.startswith("1.0")
    assert define.datasets["TA"].label == "Trial Arms"
    assert define.datasets["AE"].variable("AEREL").codelist == "AECAUS"  # type: ignore[union-attr]
    assert [term.value for term in define.codelists["AECAUS"]] == ["NONE", "POSSIBLE", "PROBABLE", "REMOTE"]
    assert define.datasets["DM"].variable("AGE").type == "num"  # type: ignore[union-attr]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Names, labels, types, lengths, formats, codelists and keys come back; the bytes are the same twice."""
    keys = {"DM": ("STUDYID", "USUBJID"), "LBCH": ("USUBJID", "LBTESTCD", "LBDTC")}
    write_define(STUDY, tmp_path / "define.xml", keys)
    write_define(STUDY, tmp_path / "again.xml", keys)
    assert (tmp_path / "define.xml").read_bytes() == (tmp_path / "again.xml").read_bytes()
    define = read_define(tmp_path / "define.xml")
    assert (define.study, define.version, define.notes) == ("S-01", "2.1.0", ())
    assert dict(define.codelists) == CODELISTS
    for dataset in (DM, LB):
        described = define.datasets[dataset.name]
        assert (described.label, described.variables, described.keys) == (dataset.label, dataset.variables, keys[dataset.name])


def test_undeclared_lengths_are_those_of_the_longest_value(tmp_path: Path) -> None:
    dataset = Dataset(
        "XX", (Variable("A"), Variable("N", "", "num")), {"A": Text.of(["é", "abc"]), "N": Numbers(np.array([1.0, 250]))}
    )
    write_define(Study({"XX": dataset}), tmp_path / "define.xml")
    assert [variable.length for variable in read_define(tmp_path / "define.xml").datasets["XX"].variables] == [3, 3]


def test_a_term_without_decode_among_decoded_ones_is_its_own(tmp_path: Path) -> None:
    mixed = {"Sex": (CodelistTerm("F", "Female"), CodelistTerm("U"))}
    write_define(Study({"DM": DM}, mixed), tmp_path / "define.xml")
    assert read_define(tmp_path / "define.xml").codelists["Sex"] == (CodelistTerm("F", "Female"), CodelistTerm("U", "U"))


def test_types_are_told_from_the_cells(tmp_path: Path) -> None:
    write_define(STUDY, tmp_path / "define.xml")
    text = (tmp_path / "define.xml").read_text("utf-8")
    for name, kind in {
        "RFSTDTC": "date",
        "BRTHDTC": "partialDate",
        "LBDTC": "partialDatetime",
        "LBDUR": "durationDatetime",
        "AGE": "integer",
        "LBSTRESN": "float",
        "SEX": "text",
    }.items():
        assert f'Name="{name}" DataType="{kind}"' in text


def test_our_document_satisfies_the_schema_and_another_reader(tmp_path: Path) -> None:
    """The XML schema of CDISC, as it comes with odmlib, and odmlib itself, find nothing to object to."""
    from odmlib import define_loader, loader, schema_manager
    from xmlschema import XMLSchema

    write_define(STUDY, tmp_path / "define.xml", {"DM": ("USUBJID",)})
    XMLSchema(schema_manager.get_schema_path("define", "2.1")).validate(str(tmp_path / "define.xml"))
    other = loader.ODMLoader(define_loader.XMLDefineLoader(model_package="define_2_1", ns_uri="http://www.cdisc.org/ns/def/v2.1"))
    other.open_odm_document(str(tmp_path / "define.xml"))
    version = other.MetaDataVersion()
    assert [group.Name for group in version.ItemGroupDef] == ["DM", "LBCH"]
    assert len(version.ItemDef) == 13
    assert {item.Name: item.Alias[0].Name for item in version.ItemDef if item.Alias} == {"LBSTRESN": "2", "LBSTNRC": "1"}
    assert [item.Name for item in version.CodeList] == ["Sex", "Grade", "grade!"]


labels = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc", "Zs"]), min_size=1, max_size=12)


@settings(max_examples=25)
@given(label=labels, format_=labels, name=labels, terms=st.lists(st.tuples(labels, labels), min_size=1, max_size=4))
def test_any_label_and_term_comes_back(
    label: str, format_: str, name: str, terms: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    variable = Variable("A", label, "char", 5, format_, name)
    codelists = {name: tuple(CodelistTerm(*term) for term in terms)}
    path = tmp_path_factory.mktemp("define") / "define.xml"
    write_define(Study({"XX": Dataset("XX", (variable,), {"A": Text.of(["a"])}, label)}, codelists), path)
    define = read_define(path)
    assert define.datasets["XX"].variables == (variable,)
    assert define.datasets["XX"].label == label
    assert dict(define.codelists) == codelists


def test_a_define_fills_in_what_csv_lacks(tmp_path: Path) -> None:
    """Labels, lengths, codelists and numeric types arrive; what the data say stays; what is on one side only is told."""
    write_define(STUDY, tmp_path / "define.xml")
    bare = Dataset(
        "DM",
        (Variable("USUBJID", "Own label"), Variable("AGE"), Variable("SEX"), Variable("EXTRA")),
        {"USUBJID": Text.of(["a", "b"]), "AGE": Text.of(["7", None]), "SEX": Text.of(["M", "M"]), "EXTRA": Text.of(["1", "2"])},
    )
    study = apply_define(Study({"DM": bare, "ZZ": Dataset("ZZ", (), {})}), read_define(tmp_path / "define.xml"))
    dm = study["DM"]
    assert dm.label == DM.label
    assert dm.variable("USUBJID").label == "Own label"
    assert dm.variable("SEX") == DM.variable("SEX")
    assert np.array_equal(dm.numbers("AGE"), [7.0, np.nan], equal_nan=True)
    assert dm.variable("AGE").type == "num"
    assert study.codelists["Sex"] == CODELISTS["Sex"]
    told = "\n".join(study.notes)
    assert "1 variable not in the Define-XML, used as it stands (EXTRA)" in told
    assert "DM: 3 variables of the Define-XML not in the data, passed over" in told
    assert "ZZ: the Define-XML does not describe" in told
    assert "(LBCH)" in told


def test_text_stays_text_where_a_value_is_no_number(tmp_path: Path) -> None:
    write_define(STUDY, tmp_path / "define.xml")
    bare = Dataset("DM", (Variable("AGE"),), {"AGE": Text.of(["7", "<8"])})
    assert apply_define(Study({"DM": bare}), read_define(tmp_path / "define.xml"))["DM"].variable("AGE").type == "char"


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><ODM>&c;</ODM>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><ODM>&b;</ODM>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged or no XML"),
        (b"<ODM><Study></ODM>", "damaged or no XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><ODM/>', "damaged or no XML"),
        (b"<html></html>", "no ItemGroupDef"),
        (BOMB.encode(), "DOCTYPE"),
        (OUTSIDE.encode(), "DOCTYPE"),
        (BOMB.encode("utf-16"), "DOCTYPE"),
    ],
)
def test_bad_documents_give_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "define.xml").write_bytes(content)
    with pytest.raises(ReadError, match=words) as caught:
        read_define(tmp_path / "define.xml")
    assert "define.xml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent_files_and_targets_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"absent\.xml"):
        read_define(tmp_path / "absent.xml")
    with pytest.raises(FileNotFoundError):
        write_define(STUDY, tmp_path / "absent" / "define.xml")


def test_gaps_of_a_document_are_noted(tmp_path: Path) -> None:
    """A variable that is named and not defined, and a dataset that is described twice, are told."""
    group = (
        '<ItemGroupDef Name="XX"><ItemRef ItemOID="I.A" OrderNumber="2"/><ItemRef ItemOID="I.B" OrderNumber="1"/></ItemGroupDef>'
    )
    items = '<ItemDef OID="I.A" Name="A" DataType="text" Length="many"><CodeListRef CodeListOID="C.X"/></ItemDef>'
    lists = '<CodeList OID="C.X" Name="Dictionary"><ExternalCodeList Dictionary="MEDDRA"/></CodeList>'
    (tmp_path / "define.xml").write_text(f"<ODM>{group}{group}{items}{lists}</ODM>", "utf-8")
    define = read_define(tmp_path / "define.xml")
    assert define.datasets["XX"].variables == (Variable("A"),)
    assert define.codelists == {}
    assert len(define.notes) == 2


def test_characters_that_xml_forbids_are_refused(tmp_path: Path) -> None:
    dataset = Dataset("XX", (Variable("A", "bell \x07"),), {"A": Text.of(["a"])})
    with pytest.raises(WriteError, match="0x7"):
        write_define(Study({"XX": dataset}), tmp_path / "define.xml")
    assert list(tmp_path.iterdir()) == []
