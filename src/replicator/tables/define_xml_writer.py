"""Define-XML 2.1 of a study, written from its data and metadata.

Equal studies give equal bytes: OIDs follow from names, the creation date is fixed. Types are told from the cells: whole numbers are
``integer``; others, and those written with decimals, are ``float`` with the most decimals found as SignificantDigits; texts named
--DTC are ``date``, ``partialDate``, ``datetime`` or ``partialDatetime`` by what they hold. A term without a decode, among others
that have one, is its own decode. Keys are written where they are given. The context is ``Other``: a document made from data claims
no version of a standard, no origin and no method.

References
----------
CDISC, *Define-XML Specification 2.1*, 2019, section 5.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from replicator.errors import WriteError
from replicator.standards.variable_roles import variable_role
from replicator.tables.dataset import CodelistTerm, Dataset, Numbers, Study, Text, Variable
from replicator.tables.dates import Precision, parse_dates
from replicator.tables.decimals import decimal_text

CREATED = "2000-01-01T00:00:00"
"""Creation time in every document: a fixed one, so that bytes depend on the study alone."""

DECIMALS_CONTEXT = "Replicator.decimals"
"""Context of the Alias that holds :attr:`Variable.decimals`; the standard has no place for the least decimals of a variable."""

_NAMESPACES = {
    "xmlns": "http://www.cdisc.org/ns/odm/v1.3",
    "xmlns:def": "http://www.cdisc.org/ns/def/v2.1",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TRIAL_DESIGN = frozenset({"TA", "TE", "TV", "TI", "TS", "TD", "TM", "DI", "OI"})
_SPECIAL_PURPOSE = frozenset({"DM", "CO", "SV", "SE", "SM"})
_STRUCTURES = {
    "TRIAL DESIGN": "One record per element of the trial's design",
    "SPECIAL PURPOSE": "One or more records per subject",
    "RELATIONSHIP": "One record per related record or supplemental value",
    "FINDINGS": "One record per finding per time per subject",
    "EVENTS": "One record per event per subject",
    "INTERVENTIONS": "One record per intervention per subject",
}


def write_define(study: Study, path: Path, keys: Mapping[str, tuple[str, ...]] | None = None, suffix: str = ".xpt") -> None:
    """Write the Define-XML 2.1 of a study; the file appears whole or not at all.

    Parameters
    ----------
    study : Study
        Lengths that its variables do not declare are written as the longest value found (bytes of UTF-8; digits of a number).
    path : Path
        Usually ``define.xml`` in the folder of the datasets.
    keys : mapping of str to tuple of str, optional
        Natural key of a dataset, by its name.
    suffix : str
        Ending of the files of the datasets beside `path`.

    Raises
    ------
    WriteError
        A label, term or name holds characters that XML forbids.
    OSError
        The target cannot be written.
    """
    text = _document(study, keys or {}, suffix)
    bad = _NO_XML.search(text)
    if bad is not None:
        near = text[max(0, bad.start() - 20) : bad.start()]
        raise WriteError(
            f"{path.name}: after {near!r} stands character {ord(bad.group()):#x}, which XML forbids; correct label or term."
        )
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(text.encode())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _document(study: Study, keys: Mapping[str, tuple[str, ...]], suffix: str) -> str:
    name = study.name or "STUDY"
    root = ElementTree.Element(
        "ODM",
        _NAMESPACES
        | {
            "ODMVersion": "1.3.2",
            "FileType": "Snapshot",
            "FileOID": f"DEF.{name}",
            "CreationDateTime": CREATED,
            "Originator": "Replicator",
            "SourceSystem": "Replicator",
            "def:Context": "Other",
        },
    )
    trial = ElementTree.SubElement(root, "Study", {"OID": name})
    general = ElementTree.SubElement(trial, "GlobalVariables")
    for tag, text in (("StudyName", name), ("StudyDescription", f"Datasets of study {name}"), ("ProtocolName", name)):
        ElementTree.SubElement(general, tag).text = text
    version = ElementTree.SubElement(
        trial, "MetaDataVersion", {"OID": f"MDV.{name}", "Name": f"Data definitions of {name}", "def:DefineVersion": "2.1.0"}
    )
    oids = _codelist_oids(study.codelists)
    for dataset in study.datasets.values():
        version.append(_group(dataset, keys.get(dataset.name, ()), suffix))
    for dataset in study.datasets.values():
        version.extend(_item(dataset, variable, oids) for variable in dataset.variables)
    numeric = {v.codelist for dataset in study.datasets.values() for v in dataset.variables if v.type == "num"}
    version.extend(_codelist(list_name, oids[list_name], study.codelists[list_name], list_name in numeric) for list_name in oids)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False).join(
        ['<?xml version="1.0" encoding="UTF-8"?>\n', "\n"]
    )


def _codelist_oids(codelists: Mapping[str, tuple[CodelistTerm, ...]]) -> dict[str, str]:
    """Give every codelist with terms an OID that follows from its name and that no other has."""
    oids: dict[str, str] = {}
    for name in (name for name, terms in codelists.items() if terms):
        plain = base = "CL." + re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()
        number = 1
        while plain in oids.values():
            number += 1
            plain = f"{base}.{number}"
        oids[name] = plain
    return oids


def _describe(element: ElementTree.Element, text: str, tag: str = "Description") -> None:
    inner = ElementTree.SubElement(ElementTree.SubElement(element, tag), "TranslatedText", {"xml:lang": "en"})
    inner.text = text


def _general_class(dataset: Dataset) -> str:
    """Class of a dataset as the standard calls it, told from its name and topic variable; ``""`` where neither says it."""
    domain = dataset.domain
    if domain in _TRIAL_DESIGN:
        return "TRIAL DESIGN"
    if domain in _SPECIAL_PURPOSE:
        return "SPECIAL PURPOSE"
    if domain in ("RELREC", "RELSUB", "RELSPEC") or domain.startswith("SUPP"):
        return "RELATIONSHIP"
    topics = (("TESTCD", "FINDINGS"), ("TERM", "EVENTS"), ("TRT", "INTERVENTIONS"))
    return next((name for suffix, name in topics if domain[:2] + suffix in dataset), "")


def _group(dataset: Dataset, keys: tuple[str, ...], suffix: str) -> ElementTree.Element:
    general_class = _general_class(dataset)
    once = "USUBJID" not in dataset or len(dataset.text("USUBJID").compact().levels) == dataset.n_rows
    attributes = {"OID": f"IG.{dataset.name}", "Name": dataset.name, "Repeating": "No" if once else "Yes"}
    attributes["IsReferenceData"] = "Yes" if general_class == "TRIAL DESIGN" else "No"
    if len(dataset.name) <= 8:
        attributes["SASDatasetName"] = dataset.name
    attributes |= {
        "Domain": dataset.domain,
        "Purpose": "Tabulation",
        "def:Structure": f"One record per {', '.join(keys)}" if keys else _STRUCTURES.get(general_class, "One record per row"),
        "def:ArchiveLocationID": f"LF.{dataset.name}",
    }
    group = ElementTree.Element("ItemGroupDef", attributes)
    if dataset.label:
        _describe(group, dataset.label)
    for number, variable in enumerate(dataset.variables, 1):
        complete = dataset.n_rows > 0 and not dataset[variable.name].missing.any()
        reference = {
            "ItemOID": f"IT.{dataset.name}.{variable.name}",
            "OrderNumber": str(number),
            "Mandatory": "Yes" if complete else "No",
        }
        if variable.name in keys:
            reference["KeySequence"] = str(keys.index(variable.name) + 1)
        role = variable_role(variable.name, dataset.domain)
        if role is not None:
            reference["Role"] = role
        ElementTree.SubElement(group, "ItemRef", reference)
    if general_class:
        ElementTree.SubElement(group, "def:Class", {"Name": general_class})
    file = f"{dataset.name.lower()}{suffix}"
    leaf = ElementTree.SubElement(group, "def:leaf", {"ID": f"LF.{dataset.name}", "xlink:href": file})
    ElementTree.SubElement(leaf, "def:title").text = file
    return group


def _item(dataset: Dataset, variable: Variable, oids: Mapping[str, str]) -> ElementTree.Element:
    column = dataset[variable.name]
    attributes = {"OID": f"IT.{dataset.name}.{variable.name}", "Name": variable.name}
    if isinstance(column, Numbers):
        kind, longest, decimals = _number_type(column, variable.decimals)
    else:
        kind, longest, decimals = _text_type(variable.name, column)
    attributes["DataType"] = kind
    length = variable.length if variable.length is not None else longest if kind in ("text", "integer", "float") else None
    if length is not None:
        attributes["Length"] = str(length)
    if kind == "float":
        attributes["SignificantDigits"] = str(decimals)
    if len(variable.name) <= 8:
        attributes["SASFieldName"] = variable.name
    if variable.format:
        attributes["def:DisplayFormat"] = variable.format
    item = ElementTree.Element("ItemDef", attributes)
    if variable.label:
        _describe(item, variable.label)
    if variable.codelist in oids:
        ElementTree.SubElement(item, "CodeListRef", {"CodeListOID": oids[variable.codelist]})
    if variable.decimals is not None:
        ElementTree.SubElement(item, "Alias", {"Context": DECIMALS_CONTEXT, "Name": str(variable.decimals)})
    return item


def _number_type(column: Numbers, written: int | None) -> tuple[str, int, int]:
    """Type, most characters and most decimals of a column of numbers that are written with so many decimals."""
    known = np.unique(column.values[~np.isnan(column.values)])
    texts = [decimal_text(value, written) for value in known[np.isfinite(known)].tolist()]
    decimals = max((len(text.partition(".")[2].partition("e")[0]) for text in texts), default=written or 0)
    whole = written is None and len(texts) == len(known) and not any(set(text) & {".", "e"} for text in texts)
    return "integer" if whole else "float", max(map(len, texts), default=8), decimals


def _text_type(name: str, column: Text) -> tuple[str, int, int]:
    """Type and most bytes of a column of text; the third is always 0."""
    used = column.compact()
    longest = max((len(str(level).encode("utf-8", "replace")) for level in used.levels), default=1)
    if not len(used.levels) or not name.endswith(("DTC", "DUR")):
        return "text", longest, 0
    if name.endswith("DUR"):
        whole = all(re.fullmatch(r"-?P(?=.)[0-9.YMWD]*(T[0-9.HMS]+)?", str(level)) for level in used.levels)
        return "durationDatetime" if whole else "text", longest, 0
    precision = parse_dates(used).precision[used.codes >= 0]
    if precision.min() < Precision.YEAR:
        return "text", longest, 0
    if precision.max() <= Precision.DAY:
        return "date" if precision.min() == Precision.DAY else "partialDate", longest, 0
    return "datetime" if precision.min() == Precision.SECOND else "partialDatetime", longest, 0


def _codelist(name: str, oid: str, terms: tuple[CodelistTerm, ...], numeric: bool) -> ElementTree.Element:
    plain = [term.value for term in terms]
    kind = "text" if not numeric else "integer" if all(re.fullmatch(r"[+-]?\d+", value) for value in plain) else "float"
    element = ElementTree.Element("CodeList", {"OID": oid, "Name": name, "DataType": kind, "def:IsNonStandard": "Yes"})
    decoded = any(term.decode for term in terms)
    for number, term in enumerate(terms, 1):
        item = ElementTree.SubElement(
            element, "CodeListItem" if decoded else "EnumeratedItem", {"CodedValue": term.value, "OrderNumber": str(number)}
        )
        if decoded:
            _describe(item, term.decode or term.value, "Decode")
    return element
