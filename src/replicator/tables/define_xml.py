"""Define-XML: the metadata of a study's datasets, read from versions 1.0, 2.0 and 2.1, written as 2.1.

Elements are found by their local names, so that the three versions, which differ in namespaces and in where a label stands, share
one reader. Documents with a DOCTYPE are refused before anything in them is expanded: no version needs one, and entities are how XML
is turned against its reader. Value-level metadata, methods, comments and origins are not read, since nothing here could hold them.

References
----------
CDISC, *Define-XML Specification 2.1*, 2019, section 5. `docs/decisions/define-xml-on-the-standard-library.md` says why no library
is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from replicator.counting import counted
from replicator.errors import ReadError
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Text, Variable
from replicator.tables.decimals import stated_decimals, written_decimals
from replicator.tables.define_xml_writer import DECIMALS_CONTEXT, write_define

__all__ = ["Define", "DefineDataset", "apply_define", "read_define", "write_define"]

_NUMERIC = frozenset({"integer", "float", "double", "decimal"})


@dataclass(frozen=True)
class DefineDataset:
    """Metadata of one dataset, with its variables in order and the variables of its key, first to last."""

    name: str
    label: str
    variables: tuple[Variable, ...]
    keys: tuple[str, ...] = ()

    def variable(self, name: str) -> Variable | None:
        """Return one variable's metadata, None if the document does not describe it."""
        return next((variable for variable in self.variables if variable.name == name), None)


@dataclass(frozen=True)
class Define:
    """What a Define-XML says.

    Attributes
    ----------
    study : str
        StudyName; ``""`` if there is none.
    version : str
        Version of Define-XML, such as ``2.1.0``.
    datasets : mapping of str to DefineDataset
        By upper-case name, in the order of the document.
    codelists : mapping of str to tuple of CodelistTerm
        By name; two lists of one name are told apart by their OID in brackets. Lists without terms (external dictionaries) are
        not among them, and no variable names one.
    notes : tuple of str
        What was passed over, one sentence each.
    """

    study: str
    version: str
    datasets: Mapping[str, DefineDataset]
    codelists: Mapping[str, tuple[CodelistTerm, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class _DoctypeError(ValueError):
    pass


def _refuse_doctype(*_: object) -> NoReturn:
    raise _DoctypeError


def _root(path: Path) -> ElementTree.Element:
    try:
        content = path.read_bytes()
        scan = expat.ParserCreate()
        scan.StartDoctypeDeclHandler = _refuse_doctype
        scan.Parse(content, True)
        return ElementTree.fromstring(content)
    except OSError as error:
        raise ReadError(
            f"{path.name}: the file cannot be read ({error.strerror or error}); check the path and its rights."
        ) from None
    except _DoctypeError:
        raise ReadError(f"{path.name}: the document has a DOCTYPE, which is refused as unsafe; remove that declaration.") from None
    except (ElementTree.ParseError, expat.ExpatError, ValueError, LookupError) as error:
        raise ReadError(f"{path.name}: the file is damaged or no XML ({error}); export or transfer it again.") from None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _within(element: ElementTree.Element, *names: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _local(child.tag) in names)


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    return {_local(name): value for name, value in element.attrib.items()}


def _words(element: ElementTree.Element | None) -> str:
    """Text of the first TranslatedText inside; line breaks, which only come of the layout, become blanks."""
    if element is None:
        return ""
    for inner in element.iter():
        if _local(inner.tag) == "TranslatedText" and inner.text and inner.text.strip():
            return inner.text.strip() if "\n" not in inner.text else " ".join(inner.text.split())
    return ""


def _label(element: ElementTree.Element) -> str:
    described = _words(next(_within(element, "Description"), None))
    return described or _attributes(element).get("Label", "")


def _codelists(document: ElementTree.Element) -> tuple[dict[str, tuple[CodelistTerm, ...]], dict[str, str]]:
    """Read codelists: the terms by name, and the name by OID."""
    found: list[tuple[str, str, tuple[CodelistTerm, ...]]] = []
    for element in document.iter():
        if _local(element.tag) != "CodeList":
            continue
        attributes = _attributes(element)
        terms = tuple(
            CodelistTerm(_attributes(item).get("CodedValue", ""), _words(next(_within(item, "Decode"), None)))
            for item in _within(element, "CodeListItem", "EnumeratedItem")
        )
        if terms:
            found.append((attributes.get("OID", ""), attributes.get("Name") or attributes.get("OID", ""), terms))
    names = [name for _, name, _ in found]
    by_oid = {oid: name if names.count(name) == 1 else f"{name} ({oid})" for oid, name, _ in found}
    return {by_oid[oid]: terms for oid, _, terms in found}, by_oid


def _variable(element: ElementTree.Element, codelists: Mapping[str, str]) -> Variable:
    attributes = _attributes(element)
    reference = next(_within(element, "CodeListRef"), None)
    length = attributes.get("Length", "")
    return Variable(
        attributes.get("Name", attributes.get("OID", "")).upper(),
        _label(element),
        "num" if attributes.get("DataType", "").lower() in _NUMERIC else "char",
        int(length) if length.isdigit() else None,
        attributes.get("DisplayFormat", ""),
        "" if reference is None else codelists.get(_attributes(reference).get("CodeListOID", ""), ""),
        _decimals(element),
    )


def _decimals(element: ElementTree.Element) -> int | None:
    """Places that all numbers are written with, which our documents say beside SignificantDigits, the most that any number has."""
    said = (
        alias.get("Name", "") for alias in map(_attributes, _within(element, "Alias")) if alias.get("Context") == DECIMALS_CONTEXT
    )
    return stated_decimals(next(said, ""))


def _number(attributes: Mapping[str, str], name: str, default: float) -> float:
    text = attributes.get(name, "")
    return float(text) if text.isascii() and text.isdigit() else default


def read_define(path: Path) -> Define:
    """Read a Define-XML 1.0, 2.0 or 2.1.

    Raises
    ------
    ReadError
        The file cannot be read, is no XML, carries a DOCTYPE, or describes no datasets.
    """
    root = _root(path)
    if not any(_local(element.tag) == "ItemGroupDef" for element in root.iter()):
        raise ReadError(f"{path.name}: this XML describes no datasets (no ItemGroupDef), so it is no Define-XML; leave it out.")
    codelists, by_oid = _codelists(root)
    items = {_attributes(element).get("OID", ""): element for element in root.iter() if _local(element.tag) == "ItemDef"}
    datasets: dict[str, DefineDataset] = {}
    notes: list[str] = []
    for group in (element for element in root.iter() if _local(element.tag) == "ItemGroupDef"):
        name = (_attributes(group).get("Name") or _attributes(group).get("OID", "")).upper()
        if name in datasets:
            notes.append(f"{path.name}: {name} is described twice; the first description is used.")
            continue
        references = sorted(
            (_attributes(ref) for ref in _within(group, "ItemRef")), key=lambda ref: _number(ref, "OrderNumber", np.inf)
        )
        known = [(ref, _variable(items[ref["ItemOID"]], by_oid)) for ref in references if ref.get("ItemOID") in items]
        if len(known) < len(references):
            notes.append(
                f"{path.name} ({name}): {counted(len(references) - len(known), 'variable is', 'variables are')} "
                "named but not defined, and passed over."
            )
        variables = {variable.name: variable for _, variable in reversed(known)}
        keys = sorted((_number(ref, "KeySequence", np.inf), variable.name) for ref, variable in known if ref.get("KeySequence"))
        datasets[name] = DefineDataset(name, _label(group), tuple(variables.values())[::-1], tuple(key for _, key in keys))
    study = next((element.text or "" for element in root.iter() if _local(element.tag) == "StudyName"), "")
    version = next(
        (v for e in root.iter() if _local(e.tag) == "MetaDataVersion" for v in [_attributes(e).get("DefineVersion")] if v), ""
    )
    return Define(study.strip(), version, datasets, codelists, tuple(notes))


def apply_define(study: Study, define: Define) -> Study:
    """Fill in what the files of a study do not say themselves: labels, lengths, formats, codelists, decimals, and numbers read
    as text.

    What the files say stays. A text column that the document calls numeric becomes numbers if every value is one. What one side
    has and the other has not is told in the notes of the study.
    """
    notes = list(define.notes)
    datasets = []
    for dataset in study.datasets.values():
        described = define.datasets.get(dataset.name)
        if described is None:
            notes.append(f"{dataset.name}: the Define-XML does not describe this dataset; it is used as it is.")
            datasets.append(dataset)
            continue
        datasets.append(_filled(dataset, described))
        for names, words in (
            (
                [name for name in dataset.names if described.variable(name) is None],
                "not in the Define-XML, used as it stands",
            ),
            (
                [v.name for v in described.variables if v.name not in dataset],
                "of the Define-XML not in the data, passed over",
            ),
        ):
            if names:
                notes.append(
                    f"{dataset.name}: {counted(len(names), 'variable')} {words} "
                    f"({', '.join(names[:5])}{', …' if len(names) > 5 else ''})."
                )
    absent = [name for name in define.datasets if name not in study]
    if absent:
        notes.append(
            f"{counted(len(absent), 'dataset of the Define-XML is', 'datasets of the Define-XML are')} not "
            f"among the files ({', '.join(absent)})."
        )
    codelists = {**define.codelists, **study.codelists}
    return replace(study.with_datasets(datasets), codelists=codelists, notes=(*study.notes, *notes))


def _filled(dataset: Dataset, described: DefineDataset) -> Dataset:
    columns = dict(dataset.columns)
    variables = []
    for own in dataset.variables:
        said = described.variable(own.name)
        if said is None:
            variables.append(own)
            continue
        column, decimals = columns[own.name], own.decimals
        if said.type == "num" and isinstance(column, Text):
            decimals = written_decimals(column)
            columns[own.name] = column = _numbers_if_exact(column)
        variables.append(
            Variable(
                own.name,
                own.label or said.label,
                "num" if isinstance(column, Numbers) else "char",
                said.length if own.length is None else own.length,
                own.format or said.format,
                own.codelist or said.codelist,
                (decimals or said.decimals) if isinstance(column, Numbers) else None,
            )
        )
    return Dataset(dataset.name, tuple(variables), columns, dataset.label or described.label)


_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _numbers_if_exact(column: Text) -> Text | Numbers:
    used = np.unique(column.codes[column.codes >= 0])
    if not all(_PLAIN_NUMBER.fullmatch(str(column.levels[code]).strip()) for code in used.tolist()):
        return column
    values = np.full(len(column.levels) + 1, np.nan)
    values[used] = [float(column.levels[code]) for code in used.tolist()]
    return column if np.isinf(values).any() else Numbers(values[column.codes])
