"""What is in a study: kinds of datasets, roles of variables, exact dependencies; the plain values that all later stages read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from replicator.derivations.derivation import Derivation


class Kind(StrEnum):
    """What one row of a dataset is (the general observation classes of SDTM, and what stands beside them)."""

    SUBJECTS = "subjects"  # a subject: DM, ADSL
    SCHEDULE = "schedule"  # a subject's visit: SV
    STATES = "states"  # a subject's element or epoch: SE
    FINDINGS = "findings"  # a subject, time and test: LB VS EG QS SC PC
    EVENTS = "events"  # an occurrence, dated, perhaps ended: AE MH DS CE DV
    INTERVENTIONS = "interventions"  # an occurrence with a dose: EX EC CM SU PR
    QUALIFIERS = "qualifiers"  # a further variable of a parent's row: SUPP--
    LINKS = "links"  # a relation between rows: RELREC CO
    REFERENCE = "reference"  # not about a subject: TA TE TV TI TS


OF_ALL_ROWS = ("STUDYID", "DOMAIN", "RDOMAIN")  # identifiers of the study and of datasets, which are nobody's


class Role(StrEnum):
    """What a variable does in its dataset."""

    IDENTIFIER = "identifier"  # STUDYID, DOMAIN, RDOMAIN
    SUBJECT = "subject"  # USUBJID
    SEQUENCE = "sequence"  # --SEQ
    RECORD_ID = "record id"  # --SPID --GRPID --REFID --LNKID --LNKGRP, SUBJID
    TOPIC = "topic"  # --TESTCD --TERM --TRT
    SYNONYM = "synonym"  # another name or class of the topic: --TEST --DECOD --LLT --BODSYS --CLAS and their codes
    GROUPING = "grouping"  # --CAT --SCAT
    RESULT = "result"  # --ORRES --STRESC --STRESN
    VISIT = "visit"  # VISITNUM VISIT VISITDY
    EPOCH = "epoch"  # EPOCH and other spans of the trial (PERIOD, TAETORD)
    TIMEPOINT = "timepoint"  # --TPT --TPTNUM --ELTM --TPTREF --RFTDTC
    DATE = "date"  # --DTC --STDTC --ENDTC RFSTDTC BRTHDTC
    STUDY_DAY = "study day"  # --DY --STDY --ENDY
    FLAG = "flag"  # --BLFL --LOBXFL --DRVFL: Y or nothing
    QUALIFIER = "qualifier"  # everything else


class Content(StrEnum):
    """What the cells of a variable look like, found from the cells and not from the name."""

    EMPTY = "empty"
    CONSTANT = "constant"
    CATEGORY = "category"  # few distinct texts or numbers, shared by subjects
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    FREE_TEXT = "free text"  # many distinct texts
    UNIQUE = "unique"  # different in every row


@dataclass(frozen=True)
class VariableStructure:
    """One variable: its role (from the standard's names, else from its shape), and what its cells look like."""

    name: str
    role: Role
    content: Content
    n_missing: int  # rows
    n_levels: int  # distinct values, missing not counted
    decimals: int  # most decimals after the point among the numbers; 0 for text


@dataclass(frozen=True)
class Dependency:
    """Wherever the determinants are equal the dependent is equal too, in every row of the source."""

    determinants: tuple[str, ...]
    dependent: str


@dataclass(frozen=True)
class DatasetStructure:
    """One dataset.

    Attributes
    ----------
    prefix : str
        The two letters before its variables (``LB`` for LBCH too; the parent's for SUPP--; ``""`` where names carry none).
    parent : str
        Name of the dataset that a SUPP-- qualifies, else ``""``.
    keys : tuple of str
        Natural key: smallest set of variables, known from the standard or found, that tells rows apart; ``()`` if none.
    dependencies : tuple of Dependency
        Never with the subject as determinant.
    subject_constant : tuple of str
        Variables that vary between subjects and never within one, though subjects have several rows.
    duplicates : tuple of (str, str)
        Variables equal to an earlier one in every row: copy and original.
    other_keys : tuple of tuple of str
        Further sets of variables that tell rows apart, each of the subject, what was observed and a qualifier.
    """

    name: str
    kind: Kind
    prefix: str
    n_rows: int
    n_subjects: int
    variables: tuple[VariableStructure, ...]
    keys: tuple[str, ...] = ()
    parent: str = ""
    dependencies: tuple[Dependency, ...] = ()
    subject_constant: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    other_keys: tuple[tuple[str, ...], ...] = ()

    def with_role(self, *roles: Role) -> tuple[str, ...]:
        """Names of the variables that have one of these roles, in order."""
        return tuple(variable.name for variable in self.variables if variable.role in roles)

    def variable(self, name: str) -> VariableStructure:
        """Return one variable's structure."""
        return next(variable for variable in self.variables if variable.name == name)

    def named(self, suffix: str) -> str:
        """Name of the variable ``--suffix`` of this dataset, for example ``LBTESTCD`` for ``TESTCD``; ``""`` if absent."""
        wanted = self.prefix + suffix
        return wanted if any(variable.name == wanted for variable in self.variables) else ""


@dataclass(frozen=True)
class StudyStructure:
    """All datasets, the derivations that hold between and within them, and what cannot be learned, with the reason.

    Attributes
    ----------
    datasets : mapping of str to DatasetStructure
        In the order of the study.
    subjects : str
        Name of the dataset with one row a subject; ``""`` if the study has none.
    subject_variable : str
        Name of the variable that tells subjects apart in all datasets: USUBJID, or what plays its role.
    """

    datasets: Mapping[str, DatasetStructure]
    subjects: str
    derivations: tuple[Derivation, ...] = ()
    notes: tuple[str, ...] = ()
    subject_variable: str = "USUBJID"
