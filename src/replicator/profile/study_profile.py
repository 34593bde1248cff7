"""A study's profile as plain data: what is kept of a study once its data are gone.

Nothing in a profile belongs to fewer than `k` subjects: a text, code or term that fewer have is counted among the others and not
named; quantiles are made of the means of disjoint groups of at least `k` subjects, the lowest and highest are the outer groups;
means and spreads are told to about half a standard error, and those of a cell with fewer than `k` subjects, like shares, are left
open (``None``).
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from replicator.profile.plain import from_json_text, to_json_text
from replicator.profile.structure import Content, Dependency, Kind, Role
from replicator.tables.notebook import html_notes, html_table

FORMAT = 1  # of the JSON; raised when a field changes its meaning


@dataclass(frozen=True)
class Quantiles:
    """A distribution of numbers, by the means of neighbouring groups of at least `k` subjects.

    Attributes
    ----------
    n : int
        Values.
    mean, sd : float
        Of all values, to about half a standard error; the spread with n - 1.
    low, p05, p25, p50, p75, p95, high : float
        Quantiles; `low` and `high` stand for the extremes.
    """

    n: int
    mean: float
    sd: float
    low: float
    p05: float
    p25: float
    p50: float
    p75: float
    p95: float
    high: float


@dataclass(frozen=True)
class Level:
    """A value, and how many rows and subjects have it."""

    value: str
    n_rows: int
    n_subjects: int


@dataclass(frozen=True)
class Levels:
    """The values of a variable that at least `k` subjects share, most frequent first, and how many others there are."""

    shared: tuple[Level, ...]
    n_other_levels: int = 0
    n_other_rows: int = 0


@dataclass(frozen=True)
class CodelistUse:
    """A declared codelist: its name, number of values, how many of them are used, and rows whose value is not among them."""

    name: str
    n_values: int
    n_used: int
    n_rows_outside: int


@dataclass(frozen=True)
class VariableProfile:
    """One variable.

    Attributes
    ----------
    levels : Levels or None
        For categories and texts; for identifiers the shapes of their values (digits written 9, letters A).
    quantiles : Quantiles or None
        For numbers; for dates days from the subject's reference start (day 0 is that date).
    precision : mapping of str to int
        Of dates: cells by how much of the date is known (``year``, ``month``, ``day``, ``minute`` …, ``text`` for what is no date).
    period : tuple of str
        Of dates: first and last month, by the rule for extremes; ``()`` if too few subjects have one.
    """

    name: str
    label: str
    role: Role
    content: Content
    n_missing: int
    n_levels: int
    decimals: int
    levels: Levels | None = None
    quantiles: Quantiles | None = None
    precision: Mapping[str, int] = field(default_factory=dict)
    period: tuple[str, ...] = ()
    codelist: CodelistUse | None = None


@dataclass(frozen=True)
class MissingGroup:
    """Variables that are missing in the same rows (`together`), or of which exactly one is filled in each row (not `together`)."""

    variables: tuple[str, ...]
    n_missing: int
    together: bool = True


@dataclass(frozen=True)
class Association:
    """How strongly two variables of the same rows, or two numbers of the same subjects, go together.

    Attributes
    ----------
    left, right : str
        ``DATASET.VARIABLE`` or ``DATASET.TEST``.
    measure : str
        ``spearman`` (subjects, -1 to 1) or ``cramer`` (rows, bias-corrected V, 0 to 1).
    n : int
        Subjects or rows.
    """

    left: str
    right: str
    measure: str
    value: float
    n: int


@dataclass(frozen=True)
class DateOrder:
    """How the dates of rows lie to another date of the same row or subject: shares of `n` pairs known to the day."""

    left: str
    right: str
    n: int
    before: float
    equal: float
    after: float


@dataclass(frozen=True)
class Course:
    """Means and spreads over planned visits by arm, each (arms, visits); ``None`` where fewer than `k` subjects were measured."""

    arms: tuple[str, ...]
    visits: tuple[str, ...]
    n_subjects: tuple[tuple[int | None, ...], ...]
    mean: tuple[tuple[float | None, ...], ...]
    sd: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class ResultProfile:
    """One test of a findings dataset, or one variable of a SUPP--.

    Attributes
    ----------
    share_numeric : float
        Of the filled results.
    decimals : int
        Most decimals of the numbers.
    sd_between, sd_within : float or None
        Spread of the subjects' means, and of the values about them.
    """

    code: str
    name: str
    category: str
    unit: str
    n_rows: int
    n_subjects: int
    n_missing: int
    share_numeric: float
    decimals: int
    quantiles: Quantiles | None = None
    levels: Levels | None = None
    sd_between: float | None = None
    sd_within: float | None = None
    course: Course | None = None


@dataclass(frozen=True)
class TermProfile:
    """One term of events or interventions.

    `by_arm` is the share of the arm's subjects, ``None`` for 1 to k - 1 of them and where the others would tell so few.
    """

    term: str
    category: str
    n_rows: int
    n_subjects: int
    by_arm: Mapping[str, float | None]


@dataclass(frozen=True)
class Occurrences:
    """Events or interventions of a dataset.

    Attributes
    ----------
    subjects_by_arm : mapping of str to float or None
        Share of the arm's subjects with at least one.
    per_subject : Quantiles or None
        Rows a subject, subjects without any among them.
    onset, duration : Quantiles or None
        Days from the reference start (day 0), and days from start to end (0 on the same day); dates known to the day only.
    share_open : float or None
        Rows with a start and no end; ``None`` if the dataset has no end dates.
    terms : tuple of TermProfile
        Most subjects first.
    """

    subjects_by_arm: Mapping[str, float | None]
    per_subject: Quantiles | None
    onset: Quantiles | None
    duration: Quantiles | None
    share_open: float | None
    terms: tuple[TermProfile, ...]
    n_other_terms: int
    n_other_rows: int


@dataclass(frozen=True)
class VisitProfile:
    """A visit of the schedule: days from the reference start, and for each dataset the share of its attendants with a record."""

    number: float | None
    name: str
    planned_day: float | None
    n_subjects: int
    day: Quantiles | None
    measured: Mapping[str, float]


@dataclass(frozen=True)
class DatasetProfile:
    """One dataset: its structure, variables, and what its kind calls for."""

    name: str
    label: str
    kind: Kind
    parent: str
    n_rows: int
    n_subjects: int
    keys: tuple[str, ...]
    rows_per_subject: Quantiles | None
    variables: tuple[VariableProfile, ...]
    dependencies: tuple[Dependency, ...] = ()
    subject_constant: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    missing: tuple[MissingGroup, ...] = ()
    associations: tuple[Association, ...] = ()
    tests: tuple[ResultProfile, ...] = ()
    n_rare_tests: int = 0
    occurrences: Occurrences | None = None
    other_keys: tuple[tuple[str, ...], ...] = ()

    def variable(self, name: str) -> VariableProfile:
        """Return one variable's profile."""
        return next(variable for variable in self.variables if variable.name == name)

    def told_apart(self, separator: str = " ") -> str:
        """Write the sets of variables that tell rows apart, each with a separator between its variables; ``""`` for none."""
        return " or ".join(separator.join(keys) for keys in (self.keys, *self.other_keys) if keys)


@dataclass(frozen=True)
class DerivationProfile:
    """A variable that follows from others: the rule, and on how many of the rows tested it holds."""

    target: str
    rule: str
    inputs: tuple[str, ...]
    n_tested: int
    n_agree: int


@dataclass(frozen=True, repr=False)
class StudyProfile:
    """What is in a study.

    Attributes
    ----------
    k : int
        Fewest subjects behind anything named in the profile.
    subjects : str
        Dataset with one row a subject; ``""`` if there is none.
    arms : Levels
        Arms and their subjects.
    n_rare_visits : int
        Visits of the schedule that fewer than `k` subjects attended, unscheduled ones mostly.
    """

    study: str
    k: int
    n_subjects: int
    subjects: str
    subject_variable: str
    arms: Levels
    datasets: tuple[DatasetProfile, ...]
    visits: tuple[VisitProfile, ...] = ()
    n_rare_visits: int = 0
    associations: tuple[Association, ...] = ()
    date_orders: tuple[DateOrder, ...] = ()
    derivations: tuple[DerivationProfile, ...] = ()
    notes: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def n_rows(self) -> int:
        """Rows of all datasets."""
        return sum(dataset.n_rows for dataset in self.datasets)

    def dataset(self, name: str) -> DatasetProfile:
        """Return one dataset's profile."""
        return next(dataset for dataset in self.datasets if dataset.name == name)

    def to_json(self) -> str:
        """Write the profile as JSON text; the inverse of :meth:`from_json`."""
        return to_json_text(self)

    @classmethod
    def from_json(cls, text: str) -> StudyProfile:
        """Read a profile that :meth:`to_json` wrote.

        Raises
        ------
        ReadError
            If the text is no JSON, no profile, or of a newer format.
        """
        return from_json_text(cls, text, FORMAT)

    def __repr__(self) -> str:
        name = self.study or "of a study"
        return f"<StudyProfile {name}: {self.n_subjects:,} subjects, {len(self.datasets)} datasets, {self.n_rows:,} rows>"

    def _repr_html_(self) -> str:
        """Show the profile in a notebook: one line a dataset, and the notes."""
        titles = ("dataset", "label", "kind", "rows", "subjects", "variables", "tests or terms", "key")
        rows = (
            (
                dataset.name,
                dataset.label,
                dataset.kind.value,
                f"{dataset.n_rows:,}",
                f"{dataset.n_subjects:,}",
                str(len(dataset.variables)),
                str(len(dataset.tests) or (len(dataset.occurrences.terms) if dataset.occurrences else "")),
                dataset.told_apart(", "),
            )
            for dataset in self.datasets
        )
        return (
            f"<p><b>{html.escape(self.study or 'Study')}</b>: {self.n_subjects:,} subjects, {len(self.datasets)} datasets, "
            f"{self.n_rows:,} rows, {len(self.visits)} visits; nothing shown belongs to fewer than {self.k} subjects.</p>"
            + html_table(titles, rows)
            + html_notes(self.notes, "Notes")
        )
