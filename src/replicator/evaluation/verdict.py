"""The verdict on a sample: one named rule for what is fine, what is noticeable and what is a finding.

A family of distances is a *finding* where the sample is half as far again from real subjects as real subjects are from each other,
and its interval says that this is no chance. It is *noticeable* where the interval lies above 1 and the ratio above 1.1, which is
about what two draws of the same study differ by. One entry among a thousand moves no ratio: so a family is noticeable too where
an entry is further off than chance explains, and a finding where such an entry exceeds real subjects by more than a fifth of the
range of a distance.

A figure is *noticeable* where its interval does not reach its target from the wrong side, and a *finding* where it is then further
from it than a fifth of the figure's range: for a detector an AUC 0.2 above the target, from where discrimination is called
acceptable [1]_. A giveaway of made data is noticeable where it shows
beyond chance, given how many were looked at, and a finding where its effect is a medium one. A law that the sample breaks and real
subjects keep is always a finding: rules know no chance. So is an attack on privacy that succeeds beyond chance, however little.

References
----------
.. [1] D. W. Hosmer, S. Lemeshow, R. X. Sturdivant, *Applied Logistic Regression*, 3rd edition, 2013, section 5.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from replicator.counting import counted
from replicator.evaluation.giveaways.giveaway import Giveaway
from replicator.evaluation.giveaways.giveaways import Giveaways
from replicator.evaluation.laws import NAME, Laws
from replicator.evaluation.measures import Direction, Family, Figure
from replicator.evaluation.privacy.privacy import Attack, Privacy

NOTICEABLE_RATIO = 1.1
FINDING_RATIO = 1.5
FINDING_SHARE = 0.2  # of the range of a figure, or of a distance
FAMILY_RULE = (
    f"A family is noticeable above {NOTICEABLE_RATIO} and a finding above {FINDING_RATIO}, if its interval lies above 1. One entry "
    "among a thousand moves no ratio: so a family is noticeable, too, by single entries that are further off than chance explains, "
    f"and a finding where one of them exceeds real subjects by more than {100 * FINDING_SHARE:.0f} % of the range of a distance."
)


class Grade(StrEnum):
    """How one measure of a sample came out."""

    FINE = "fine"
    NOTICEABLE = "noticeable"
    FINDING = "finding"
    UNKNOWN = "cannot be told"


@dataclass(frozen=True)
class Judgement:
    """How one measure came out.

    Attributes
    ----------
    name : str
        Of the measure.
    grade : Grade
    reason : str
        Why, in one sentence.
    n_single : int
        Entries beyond chance that the grade comes from; 0 where the measure as a whole has earned it.
    of_privacy : bool
        Whether it is an attack on the source's subjects, and not how like them the sample is.
    """

    name: str
    grade: Grade
    reason: str
    n_single: int = 0
    of_privacy: bool = False

    @property
    def single(self) -> str:
        """Say that the grade comes from single entries; ``""`` where it does not."""
        return f"by {counted(self.n_single, 'single entry', 'single entries')} beyond chance" if self.n_single else ""


@dataclass(frozen=True)
class Conclusion:
    """The verdict.

    Attributes
    ----------
    judgements : tuple of Judgement
        Of all families and figures and of the laws, in the order of the evaluation.
    """

    judgements: tuple[Judgement, ...]

    def of(self, grade: Grade) -> tuple[Judgement, ...]:
        """Judgements of one grade."""
        return tuple(one for one in self.judgements if one.grade is grade)

    @property
    def is_clean(self) -> bool:
        """Whether there is no finding."""
        return not self.of(Grade.FINDING)

    def summary(self) -> str:
        """Say the whole: privacy first where an attack on it succeeds, then how like real subjects the sample is."""
        leaks = tuple(one for one in self.of(Grade.FINDING) if one.of_privacy)
        if leaks:
            finds = "finds" if len(leaks) == 1 else "find"
            rest = Conclusion(tuple(one for one in self.judgements if one not in leaks))
            said = f"Privacy: {_listed(leaks)} {finds} more of the source's subjects than chance explains."
            return f"{said} Likeness: {_lowered(rest.summary())}" if rest.judgements else said
        told = len(self.judgements) - len(self.of(Grade.UNKNOWN))
        found, noticed = self.of(Grade.FINDING), self.of(Grade.NOTICEABLE)
        fine = len(self.of(Grade.FINE))
        if not told:
            return "Nothing could be told of this sample."
        if not found:
            if not noticed:
                return f"No finding, {counted(told, 'measure is as it is', 'measures are as they are')} between real subjects."
            off = f"{counted(len(noticed), 'measure')} of {told:,} noticeably off ({_listed(noticed)})"
            return f"No finding, {off}. {_others(fine)}".rstrip()
        more = f"; noticeably off: {_listed(noticed)}" if noticed else ""
        said = f"The sample can be told from real subjects in {len(found):,} of {counted(told, 'measure')}: {_listed(found)}{more}."
        return f"{said} {_others(fine)}".rstrip()


def _others(fine: int) -> str:
    """Say what is fine beside what is not; nothing if nothing is."""
    if fine < 2:
        return "The other one is as it is between real subjects." if fine else ""
    return f"The other {fine:,} are as they are between real subjects."


def conclude(
    families: tuple[Family, ...], figures: tuple[Figure, ...], laws: Laws, privacy: Privacy, giveaways: Giveaways
) -> Conclusion:
    """Judge all measures of a sample."""
    judged = [*map(judge_family, families), *(judge_laws(one, laws) if one.name == NAME else judge_figure(one) for one in figures)]
    judged += map(judge_giveaway, giveaways.entries)
    judged += map(judge_attack, privacy.attacks)
    return Conclusion(tuple(judged))


def judge_family(family: Family) -> Judgement:
    """Grade a family by its ratio and interval, and by its worst entries."""
    if not np.isfinite(family.ratio):
        return Judgement(family.name, Grade.UNKNOWN, "Nothing could be compared.")
    sure = family.interval.low > 1.0
    certain = [one.excess for one in family.offenders if one.certain]
    far = max(certain, default=0.0) > FINDING_SHARE * (family.highest - family.lowest)
    worst = f"; most in {family.offenders[0].name}" if family.offenders else ""
    beyond = f"; {family.n_certain:,} of {family.n_entries:,} are further off than chance explains" if certain else ""
    said = f"{family.ratio:.2f} times as far from real subjects as real subjects are from each other{worst}{beyond}."
    if sure and family.ratio > FINDING_RATIO:
        return Judgement(family.name, Grade.FINDING, said)
    if far:
        return Judgement(family.name, Grade.FINDING, said, family.n_certain)
    if sure and family.ratio > NOTICEABLE_RATIO:
        return Judgement(family.name, Grade.NOTICEABLE, said)
    return Judgement(family.name, Grade.NOTICEABLE, said, family.n_certain) if certain else Judgement(family.name, Grade.FINE, said)


def judge_figure(figure: Figure) -> Judgement:
    """Grade a figure by its distance from its target in the direction that is bad."""
    if not (np.isfinite(figure.value) and np.isfinite(figure.target)):
        return Judgement(figure.name, Grade.UNKNOWN, figure.note or "It could not be told.")
    above, below = figure.interval.low > figure.target, figure.interval.high < figure.target
    wrong = {Direction.LOWER: above, Direction.HIGHER: below, Direction.NEAR: above or below}[figure.direction]
    span = figure.highest - figure.lowest
    far = np.isfinite(span) and span > 0 and abs(figure.value - figure.target) > FINDING_SHARE * span
    said = f"{figure.value:.3g}, where {figure.target:.3g} is the target."
    return Judgement(figure.name, (Grade.FINDING if far else Grade.NOTICEABLE) if wrong else Grade.FINE, said)


def judge_laws(figure: Figure, laws: Laws) -> Judgement:
    """Grade the share of laws held: a law that real subjects keep and the sample breaks is a finding, however many there are."""
    lost = laws.lost
    if not lost:
        return judge_figure(figure)
    where = ", ".join(
        f"{rule} ({dataset}.{variable})" if variable else f"{rule} ({dataset})" for rule, dataset, variable in lost[:3]
    )
    more = f" and {len(lost) - 3:,} more" if len(lost) > 3 else ""
    return Judgement(figure.name, Grade.FINDING, f"Real subjects keep what it breaks: {where}{more}.")


def judge_giveaway(giveaway: Giveaway) -> Judgement:
    """Grade a giveaway: noticeable where it shows beyond chance, a finding where its effect is a medium one or more."""
    figure = giveaway.figure
    if not np.isfinite(giveaway.effect):
        return Judgement(figure.name, Grade.UNKNOWN, figure.note or "It could not be told.")
    grade = Grade.FINDING if giveaway.is_far else Grade.NOTICEABLE if giveaway.shows else Grade.FINE
    low, high = giveaway.expected.low, giveaway.expected.high
    said = f"{figure.value:.3g}, where real subjects show {low:.3g} to {high:.3g}."
    return Judgement(figure.name, grade, said, giveaway.n_single)


def judge_attack(attack: Attack) -> Judgement:
    """Grade an attack on privacy: what succeeds is a finding."""
    judged = judge_figure(attack.figure)
    if judged.grade is Grade.UNKNOWN:
        return judged
    return Judgement(judged.name, Grade.FINDING if attack.succeeds else Grade.FINE, judged.reason, of_privacy=True)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _listed(judgements: tuple[Judgement, ...], most: int = 4) -> str:
    names = ", ".join(one.name for one in judgements[:most])
    return names if len(judgements) <= most else f"{names} and {len(judgements) - most:,} more"
