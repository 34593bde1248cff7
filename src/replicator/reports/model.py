"""What a model holds, in plain words, for the person who must sign."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape

from replicator.config import FitConfig
from replicator.counting import counted
from replicator.reports.holdings import count_holdings
from replicator.reports.pages import render_page
from replicator.reports.precision import Precision
from replicator.tables.notebook import html_notes, html_table

PRECISION_LEGEND = (
    "traits: of a subject, such as the level of a test; subjects, fewest: behind one that is a number, median and smallest; "
    "mean: its standard error in standard deviations; spread: that of the standard deviation; arms own: share of an arm's "
    "difference from the others that is taken for real"
)
SUPPORT_LEGEND = (
    "learned from: the fewest subjects that any of the part's models was learned from, where they say it; behind: the fewest that "
    "may stand behind any one of its values, by the bounds that the fit kept"
)
TERMS = "term catalogue"  # kind of model whose values may rest on as few subjects as a coded term
SHOWN_TEXTS = 8  # per dataset on the terminal and the page; JSON has them all


@dataclass(frozen=True)
class PartDescription:
    """What is held of one dataset.

    Attributes
    ----------
    name : str
        The dataset, or what else the part stands for.
    kind : str
        What kind of model it is.
    n_numbers : int
        Numbers held: parameters, shares, codes.
    texts : tuple of str
        All texts held, sorted.
    models : mapping of str to int
        The models it is made of, by kind.
    fewest_subjects : int or None
        Smallest number of subjects that one of these was learned from; None if none says it.
    """

    name: str
    kind: str
    n_numbers: int
    texts: tuple[str, ...]
    models: Mapping[str, int] = field(default_factory=dict)
    fewest_subjects: int | None = None

    @property
    def examples(self) -> str:
        """The texts that say most to a reader: of several words, then of one, then codes and numbers; JSON has them all."""

        def rank(text: str) -> int:
            words = text.split()
            return 0 if len(words) > 1 and all(word.isalpha() for word in words) else 1 if len(text) > 2 and text.isalpha() else 2

        return ", ".join(sorted((text for text in self.texts if text.strip()), key=rank)[:SHOWN_TEXTS])


@dataclass(frozen=True)
class ModelDescription:
    """What a model holds.

    Attributes
    ----------
    study : str
        STUDYID of the source.
    n_subjects : int
        Subjects of the source.
    config : FitConfig
        What was asked of the fit.
    parts : tuple of PartDescription
        One for each dataset, and one for what all share.
    copied : mapping of str to int
        Datasets about no subject (the trial's design) that are held as they are, with their rows.
    n_rules_passed, n_rules_failed : int
        Rules that the source passed and failed; of the failed ones the rates are held, no rows.
    notes : tuple of str
        What could not be learned.
    precision : Precision or None
        How sure it is.
    """

    study: str
    n_subjects: int
    config: FitConfig
    parts: tuple[PartDescription, ...]
    copied: Mapping[str, int]
    n_rules_passed: int
    n_rules_failed: int
    notes: tuple[str, ...]
    precision: Precision | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts held of subjects, sorted."""
        return tuple(sorted({text for part in self.parts for text in part.texts}))

    @property
    def fewest_subjects(self) -> int | None:
        """Smallest number of subjects that any model was learned from; None if none says it."""
        return min((part.fewest_subjects for part in self.parts if part.fewest_subjects is not None), default=None)

    def support(self, part: PartDescription) -> str:
        """Fewest subjects that may stand behind any value of a part: the bound that the fit kept."""
        bound = min(self.config.k, self.config.k_terms) if TERMS in part.models else self.config.k
        return f"≥ {bound:,}" if part.n_numbers or part.texts else ""

    def sentences(self) -> tuple[str, ...]:
        """Say the whole in a few sentences."""
        k, k_terms = self.config.k, self.config.k_terms
        said = [
            f"A model of the study {self.study or 'without a name'}, learned from {counted(self.n_subjects, 'subject')}.",
            "It holds no row of any subject, no identifier, and nothing that is executed when it is read.",
            f"No text, category, extreme or combination that fewer than {k} subjects share is in it"
            + (
                f"; for the coded terms of a dictionary the bound is {k_terms}, and rarer ones have become stand-ins."
                if k_terms != k
                else "; rarer coded terms have become stand-ins."
            ),
        ]
        said.append(
            "Five things are kept of fewer: that somebody died, in the standard's words; which planned arms somebody was in; "
            f"what most of a small arm were given; rare words of a closed codelist, as one value, if {k} have one of them; "
            f"and, where no {k} have events whose dates lie alike, whether most of these begin before the study."
        )
        if self.fewest_subjects is not None:
            terms = "" if k_terms == k else f", behind a coded term {k_terms} or more"
            said.append(
                f"Behind every other value stand {k} subjects or more{terms}; the fewest that any of its models was learned from "
                f"are {self.fewest_subjects:,}."
            )
        said.append(
            "Rows and subjects are counted exactly, down to one, where nothing but a count is told: in the profile (how many cells "
            "are filled, or hold what is not named), in the rules (how many failed), and in the notes below."
        )
        if k < 5 or k_terms < 3:
            said.append("These bounds are lower than usual: someone asked for that when the model was fitted.")
        if self.copied:
            listed = ", ".join(f"{name} ({rows:,})" for name, rows in self.copied.items())
            said.append(f"Of the trial's design, which is about no subject, it holds all rows: {listed}.")
        if self.precision is not None:
            said += self.precision.sentences(k)
        failed = f"and of {self.n_rules_failed:,} that it failed the rate"
        said.append(f"It carries {self.n_rules_passed:,} rules that its source passed, {failed}.")
        return tuple(said)

    def _repr_html_(self) -> str:
        titles = ("part", "kind", "numbers", "texts", "learned from", "behind", "for example")
        rows = (
            (
                part.name,
                part.kind,
                f"{part.n_numbers:,}",
                f"{len(part.texts):,}",
                "" if part.fewest_subjects is None else f"{part.fewest_subjects:,}",
                self.support(part),
                part.examples,
            )
            for part in self.parts
        )
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())
        return said + html_table(titles, rows) + html_notes(self.notes, "Not learned, or learned in part")

    def to_json(self) -> str:
        """Write as JSON text, with all texts held."""
        plain = {**asdict(self), "config": self.config.model_dump(), "fewest_subjects": self.fewest_subjects}
        return json.dumps(plain, ensure_ascii=False, indent=1)


def describe_part(name: str, kind: str, model: object) -> PartDescription:
    """Describe one part by counting what it holds."""
    held = count_holdings(model)
    return PartDescription(name, kind, held.n_numbers, held.texts, held.kinds, held.fewest_subjects)


def render_model_text(model: ModelDescription, width: int = 100) -> str:
    """Write a description for a terminal `width` characters wide."""
    lines = [line for sentence in model.sentences() for line in textwrap.wrap(sentence, width)]
    lines += ["", f"{'':<12} {'kind':<16} {'numbers':>9} {'texts':>7} {'learned from':>12} {'behind':>6}  for example"]
    for part in model.parts:
        learned = "" if part.fewest_subjects is None else f"{part.fewest_subjects:,}"
        counts = f"{part.n_numbers:>9,} {len(part.texts):>7,} {learned:>12} {model.support(part):>6}"
        row = f"{part.name:<12} {part.kind:<16} {counts}  {part.examples}"
        lines.append(row if len(row) <= width else row[: width - 1] + "…")
    lines += ["", *textwrap.wrap(SUPPORT_LEGEND, width)]
    if model.precision is not None:
        titles = ("traits", "subjects", "fewest", "mean", "spread", "arms own")
        lines += ["", _precision_row("How sure it is", titles)]
        lines += _precision_rows(model.precision)
        lines += ["", *textwrap.wrap(PRECISION_LEGEND, width)]
    if model.notes:
        lines += ["", "Not learned, or learned in part:"]
        lines += [line for note in model.notes for line in textwrap.wrap(note, width, initial_indent="- ", subsequent_indent="  ")]
    return "\n".join(lines)


def _precision_rows(precision: Precision) -> list[str]:
    rows = []
    for part in precision.parts:
        cells = (
            f"{part.n_traits:,}",
            "" if part.n_subjects is None else f"{part.n_subjects:,}",
            "" if part.fewest_subjects is None else f"{part.fewest_subjects:,}",
            "" if part.mean_error is None else f"{part.mean_error:.2f}",
            "" if part.spread_error is None else f"{part.spread_error:.0%}",
            "" if part.own is None else f"{part.own:.0%}",
        )
        rows.append(_precision_row(part.name, cells))
    return rows


def _precision_row(name: str, cells: tuple[str, ...]) -> str:
    return f"{name:<16}" + "".join(f"{cell:>10}" for cell in cells)


def render_model_html(model: ModelDescription) -> str:
    """Write a description as one page of HTML."""
    title = f"What the model of {model.study or 'a study without a name'} holds"
    return render_page("model", title, model=model, shown=SHOWN_TEXTS, legend=PRECISION_LEGEND, support=SUPPORT_LEGEND)
