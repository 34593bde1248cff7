"""Is a column of text cells a number or a text? The rule for files that carry no types, such as CSV.

In this order:

1. a Define-XML beside the file says so, and every cell agrees;
2. the standard says so: names below are numeric or text in every study, with or without values;
3. else a column is numeric if every cell is the one exact spelling of a number, as :func:`number_text` or ``repr`` write it:
   ``007``, ``+5``, ``1.50`` and ``20230000011010002`` (no float64 holds it) stay text.

So a study gives the same types from CSV as from files that carry them, unless a sponsor's own variable holds digits as text.

References
----------
SDTM Implementation Guide 3.4 and SDTM Model 2.0, tables of variables, column Type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicator.counting import counted
from replicator.tables.dataset import Column, Numbers, Text, number_text
from replicator.tables.spelling import is_number

Declared: TypeAlias = Literal["char", "num"] | None


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUM_NAMES = _names(
    """
    AGE DTHDY DMDY VISITNUM VISITDY TAETORD ASEQ SRCSEQ AVAL BASE CHG PCHG AVISITN PARAMN TRTPN TRTAN
    """
)
_NUM_SUFFIXES = _names(
    """
    SEQ DY STDY ENDY STRESN STNRLO STNRHI LLOQ ULOQ STREFN DOSE DOSTOT PSTRG TPTNUM NOMDY RPDY RPSTDY RPENDY REPNUM LLTCD
    PTCD HLTCD HLGTCD BDSYCD SOCCD
    """
)
_CHAR_NAMES = _names(
    """
    STUDYID DOMAIN RDOMAIN USUBJID SUBJID SITEID POOLID SPDEVID INVID INVNAM AGEU AGETXT SEX RACE ETHNIC COUNTRY ARM ARMCD
    ACTARM ACTARMCD ARMNRS ACTARMUD DTHFL VISIT EPOCH ETCD ELEMENT MIDS MIDSTYPE RELMIDS IDVAR IDVARVAL QNAM QLABEL QVAL
    QORIG QEVAL RELTYPE RELID COREF TSPARMCD TSPARM TSVAL TSVALNF TSVALCD TSVCDREF TSVCDVER TSGRPID IETESTCD IETEST IECAT
    IESCAT TIRL TIVERS TABRANCH TATRANS TESTRL TEENRL TEDUR TVSTRL TVENRL TDTGTPAI TDSTOFF PARAM PARAMCD PARAMTYP AVALC
    BASEC SITEGR1 REGION1
    """
)
_CHAR_SUFFIXES = _names(
    """
    GRPID REFID SPID LNKID LNKGRP RECID TRT MODIFY DECOD LLT HLT HLGT BODSYS SOC CAT SCAT CLAS CLASCD PRESP OCCUR STAT
    REASND REASOC LOC LAT DIR PORTOT DOSTXT DOSU DOSFRM DOSFRQ DOSRGM ROUTE LOT TRTV VAMT VAMTU ADJ INDC TERM SEV SER ACN
    ACNOTH ACNDEV REL RELNST PATT OUT SCAN SCONG SDISAB SDTH SHOSP SLIFE SOD SMIE CONTRT TOX TOXGR TESTCD TEST POS ORRES
    ORRESU ORNRLO ORNRHI STRESC STRESU STNRC NRIND RESCAT XFN NAM LOINC SPEC ANTREG SPCCND SPCUFL METHOD RUNID ANMETH LEAD
    CSTATE BLFL LOBXFL FAST DRVFL EVAL EVALID ACPTFL RESLOC DTC STDTC ENDTC RFTDTC STRTPT STTPT ENRTPT ENTPT STRF ENRF DUR
    ELTM TPT TPTREF EVLINT EVINTX STINT ENINT SPLDTC OBJ VAL VALU RSDISC UPDES MIDS FTDTC PARTY PRTYID
    """
)

_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+\Z")
_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
_MOSTLY = 0.5  # share of filled cells from which on, where they are numbers, the others are worth a word
_MISSING_NUMBER = frozenset({".", "NA", "NaN"})


def standard_type(name: str) -> Declared:
    """Type that the standard gives to a variable of this name; None where it knows none.

    Examples
    --------
    >>> standard_type("LBSTRESN"), standard_type("LBSTRESC"), standard_type("SITECODE")
    ('num', 'char', None)
    """
    suffix = name[2:] if re.match(r"[A-Z][A-Z0-9]", name) else ""
    if name in _NUM_NAMES:
        return "num"
    if name in _CHAR_NAMES or name.endswith("DTC"):
        return "char"
    if suffix in _NUM_SUFFIXES:
        return "num"
    return "char" if suffix in _CHAR_SUFFIXES else None


def type_column(dataset: str, name: str, text: Text, declared: Declared = None) -> tuple[Column, str]:
    """Decide between text and numbers.

    Parameters
    ----------
    dataset, name : str
        For the note, and `name` for the standard's opinion.
    text : Text
        Cells as the file has them.
    declared : {"char", "num"} or None
        What a Define-XML says.

    Returns
    -------
    Text or Numbers
        The column.
    str
        A sentence where the cells go against their declaration or are of mixed types, else ``""``.
    """
    wanted = declared or standard_type(name)
    if wanted == "char" or (wanted is None and not len(text.levels)):
        return text, ""
    levels = text.levels.tolist()
    if wanted is None:
        values = _exact_numbers(levels)
        return (text, _mixed(dataset, name, text)) if values is None else (Numbers(np.append(values, np.nan)[text.codes]), "")
    odd = np.array([not is_number(level) and level not in _MISSING_NUMBER for level in levels] + [False])
    if odd.any():
        rows = np.flatnonzero(odd[text.codes])
        what = f"no numbers in {len(rows):,} of {len(text):,} cells (first: row {rows[0] + 1:,})"
        return text, f"{dataset}.{name}: {what}, so the variable stays text."
    values = np.array([np.nan if level in _MISSING_NUMBER else float(level) for level in levels] + [np.nan])
    if not np.isfinite(values[np.array([level not in _MISSING_NUMBER for level in levels] + [False])]).all():
        return text, f"{dataset}.{name}: a number is too large for float64, so the variable is kept as text."
    spelled = np.array([level in _MISSING_NUMBER for level in levels] + [False])
    n_spelled = int(spelled[text.codes].sum())
    note = (
        f"{dataset}.{name}: what spells a missing number ('.', 'NA', 'NaN') is read as missing, {counted(n_spelled, 'cell')}."
        if n_spelled
        else ""
    )
    return Numbers(values[text.codes]), note


def _exact_numbers(levels: list[str]) -> NDArray[np.float64] | None:
    """(n_levels,) values if all levels are spelled as one of our two ways of writing numbers spells them, else None."""
    if not all(is_number(level) for level in levels):
        return None
    values = [float(level) for level in levels]
    if not np.isfinite(values).all():
        return None
    shortest = all(number_text(value) == level for value, level in zip(values, levels, strict=True))
    if shortest or all(repr(value) == level for value, level in zip(values, levels, strict=True)):
        return np.array(values)
    return None


def _mixed(dataset: str, name: str, text: Text) -> str:
    """Say that a column without a declared type is text for the sake of a few cells, or of its decimal commas; else ``""``."""
    levels = text.levels.tolist()
    commas = np.array([_DECIMAL_COMMA.match(level) is not None for level in levels] + [False])
    numbers = commas | np.array([is_number(level) for level in levels] + [False])
    filled = text.codes[text.codes >= 0]
    n_numbers, n_commas = int(numbers[filled].sum()), int(commas[filled].sum())
    if n_commas and n_numbers == len(filled):
        return (
            f"{dataset}.{name}: decimal commas in {n_commas:,} of {len(filled):,} cells, in a file that commas separate or beside "
            "decimal points, so the variable stays text; write decimal points."
        )
    if not _MOSTLY * len(filled) < n_numbers < len(filled):
        return ""
    first = int(np.flatnonzero((text.codes >= 0) & ~numbers[text.codes])[0]) + 1
    return (
        f"{dataset}.{name}: no numbers in {len(filled) - n_numbers:,} of {len(filled):,} cells (first: row {first:,}), so the "
        "variable stays text; let them be missing if it is a number."
    )


def with_decimal_points(
    dataset: str, columns: Mapping[str, Text], declared: Mapping[str, Literal["char", "num"]]
) -> tuple[dict[str, Text], list[str]]:
    """Find the numbers with decimal commas of a file that commas do not separate.

    Returns
    -------
    dict of str to Text
        The columns of whole numbers and decimal commas alone of which neither the standard nor `declared` says that they are text,
        with points in place of commas.
    list of str
        A note for each.
    """
    pointed, notes = dict[str, Text](), list[str]()
    for name, text in columns.items():
        levels = text.levels.tolist()
        commas = np.array([_DECIMAL_COMMA.match(level) is not None for level in levels] + [False])
        others = [level for level, comma in zip(levels, commas, strict=False) if not comma]
        if (declared.get(name) or standard_type(name)) == "char" or not commas.any() or not all(map(_WHOLE.match, others)):
            continue
        pointed[name] = Text(text.codes, np.array([level.replace(",", ".") for level in levels], object))
        notes.append(f"{dataset}.{name}: {counted(int(commas[text.codes].sum()), 'cell')} with a decimal comma, read as numbers.")
    return pointed, notes


def type_columns(
    dataset: str, columns: Mapping[str, Text], declared: Mapping[str, Literal["char", "num"]]
) -> tuple[dict[str, Column], list[str]]:
    """Apply :func:`type_column` to all columns of a dataset; returns the columns and the notes."""
    typed: dict[str, Column] = {}
    notes: list[str] = []
    for name, text in columns.items():
        typed[name], note = type_column(dataset, name, text, declared.get(name))
        notes += [note] if note else []
    return typed, notes
