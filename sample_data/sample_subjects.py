"""Who takes part in the sample study: subjects, what they are like, what becomes of them, and when they are seen.

Days are counted from 1970-01-01. Everything later follows from the traits that are drawn here, so that the domains agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

STUDY = "RVT117-204"
ARMS = (("PBO", "Placebo"), ("LOW", "RVT-117 50 mg"), ("HIGH", "RVT-117 100 mg"))
SITES = (("DE03", "DEU"), ("DE07", "DEU"), ("FR11", "FRA"), ("PL22", "POL"), ("US41", "USA"))
VISITS = {1.0: ("SCREENING", -14), 2.0: ("BASELINE", 1), 3.0: ("WEEK 2", 15), 4.0: ("WEEK 4", 29), 5.0: ("WEEK 8", 57)} | {
    6.0: ("WEEK 12", 85),
    8.0: ("FOLLOW-UP", 99),
}
FOLLOW_UP = 8.0
EARLY = 7.0  # number of the visit EARLY TERMINATION, which has no planned day
N_SCREENED = 44
SCREEN_FAILURES = {3: "EX02", 9: "IN02", 17: "IN02", 24: "EX01", 33: "IN03", 40: "EX02"}
"""Place in the order of screening, and the criterion that was not met."""
FATES = {
    ("HIGH", 2): ("ADVERSE EVENT", 24),
    ("HIGH", 7): ("ADVERSE EVENT", 61),
    ("LOW", 5): ("ADVERSE EVENT", 33),
    ("LOW", 1): ("WITHDRAWAL BY SUBJECT", 40),
    ("PBO", 8): ("WITHDRAWAL BY SUBJECT", 71),
    ("LOW", 9): ("LOST TO FOLLOW-UP", 36),
    ("PBO", 3): ("LACK OF EFFICACY", 57),
    ("PBO", 6): ("DEATH", 66),
}
"""Arm and place within the arm, reason for leaving, study day of the last dose."""
REDUCED = {("HIGH", 0): 37, ("HIGH", 5): 45, ("HIGH", 9): 64}
"""Study day from which the dose is halved because of an adverse event."""
INTERRUPTED = {("LOW", 3): (41, 46), ("HIGH", 4): (50, 54)}
"""Study days without doses because of an adverse event."""
UNSCHEDULED = {("PBO", 1): (3.1, 20), ("LOW", 0): (4.1, 36), ("LOW", 7): (5.1, 68), ("HIGH", 0): (4.1, 38), ("HIGH", 6): (5.1, 64)}
"""Number of an additional visit and its study day."""
LIVER = {("HIGH", 6): 57, ("LOW", 10): 29}
"""Study day about which transaminases rise."""


@dataclass
class Subject:
    """One subject: identity, traits (standard normal unless said), fate, visits."""

    order: int
    site: str
    country: str
    subjid: str
    sex: str
    age: int
    birth: int
    race: str
    ethnic: str
    consent: int
    traits: dict[str, float]
    arm: str = ""
    place: int = -1
    first_dose: int | None = None
    last_dose: int | None = None
    end: int = 0
    reason: str = "COMPLETED"
    visits: list[tuple[float, str, int, int]] = field(default_factory=list)

    @property
    def usubjid(self) -> str:
        """Study, site and number, joined by points."""
        return f"{STUDY}.{self.site}.{self.subjid}"

    @property
    def key(self) -> tuple[str, int]:
        """Arm and place within the arm."""
        return self.arm, self.place

    @property
    def randomised(self) -> bool:
        """Whether the subject was treated; the others failed screening."""
        return self.first_dose is not None

    @property
    def arm_name(self) -> str:
        """Name of the arm."""
        return dict(ARMS).get(self.arm, "")

    def day(self, date: float) -> float:
        """Study day of a date; there is no day 0. Subjects who failed screening have none."""
        if self.first_dose is None:
            return float("nan")
        return date - self.first_dose + (date >= self.first_dose)

    def date(self, day: int) -> int:
        """Date of a study day."""
        assert self.first_dose is not None
        return self.first_dose + day - (day > 0)

    def epoch(self, date: float) -> str:
        """Epoch of a date."""
        if self.first_dose is None or self.last_dose is None or date < self.first_dose:
            return "SCREENING"
        return "TREATMENT" if date <= self.last_dose else "FOLLOW-UP"

    def dose(self, date: float) -> float:
        """Milligrams of compound in the body's eye on a date: what the regimen gives, 0 off treatment."""
        if self.first_dose is None or self.last_dose is None or not self.first_dose <= date <= self.last_dose or self.arm == "PBO":
            return 0.0
        if self.arm == "LOW" or self.day(date) < 15 or self.day(date) >= REDUCED.get(self.key, 1000):
            return 50.0
        return 100.0


def _traits(rng: np.random.Generator) -> dict[str, float]:
    names = ("pressure", "pulse", "size", "liver", "kidney", "sugar", "blood", "inflammation", "mood", "frailty", "effect", "heart")
    raw = dict(zip(names, rng.standard_normal(len(names)).tolist(), strict=True))
    raw["kidney"] = 0.4 * raw["pressure"] + 0.9 * raw["kidney"]
    raw["sugar"] = 0.4 * raw["size"] + 0.9 * raw["sugar"]
    raw["inflammation"] = 0.3 * raw["size"] + 0.3 * raw["sugar"] + 0.9 * raw["inflammation"]
    raw["mood"] = 0.5 * raw["frailty"] + 0.85 * raw["mood"]
    raw["employed"] = float(rng.random() < 0.6)
    return raw


def make_subjects(rng: np.random.Generator) -> list[Subject]:
    """Screen, randomise in blocks of three, follow up."""
    start = int(np.datetime64("2021-03-08").astype(int))
    arrivals = start + np.sort(rng.integers(0, 240, N_SCREENED))
    sites = rng.choice(len(SITES), N_SCREENED, p=[0.3, 0.2, 0.15, 0.15, 0.2])
    seen = dict.fromkeys(range(len(SITES)), 0)
    subjects: list[Subject] = []
    for order in range(N_SCREENED):
        site = int(sites[order])
        seen[site] += 1
        age = int(np.clip(round(rng.normal(57, 10)), 28, 79))
        consent = int(arrivals[order])
        consent = _weekday(consent)
        birth = int(np.datetime64(f"{1970 + consent // 365.2425 - age:.0f}-01-01").astype(int)) - int(rng.integers(1, 300))
        race = str(rng.choice(["WHITE", "BLACK OR AFRICAN AMERICAN", "ASIAN", "OTHER"], p=[0.8, 0.1, 0.07, 0.03]))
        subject = Subject(
            order,
            *SITES[site],
            f"{seen[site]:03d}",
            "F" if rng.random() < 0.47 else "M",
            0,
            birth,
            race,
            "HISPANIC OR LATINO" if SITES[site][0] == "US41" and rng.random() < 0.3 else "NOT HISPANIC OR LATINO",
            consent,
            _traits(rng),
        )
        subject.age = _years(birth, consent)
        subjects.append(subject)
    subjects[21].race = "OTHER"
    treated = [subject for subject in subjects if subject.order not in SCREEN_FAILURES]
    blocks = np.concatenate([rng.permutation(3) for _ in range(len(treated) // 3 + 1)])
    counts = dict.fromkeys(range(3), 0)
    for subject, arm in zip(treated, blocks.tolist(), strict=False):
        subject.arm, subject.place = ARMS[arm][0], counts[arm]
        counts[arm] += 1
        _follow(subject, rng)
    for subject in subjects:
        if not subject.randomised:
            subject.reason = "SCREEN FAILURE"
            subject.end = subject.consent + int(rng.integers(2, 12))
            subject.visits = [(1.0, "SCREENING", subject.consent, subject.consent)]
    return subjects


def _weekday(date: int) -> int:
    """Move a weekend to the Monday after it (day 0 was a Thursday)."""
    return date + (0, 0, 0, 0, 0, 2, 1)[(date + 3) % 7]


def _years(birth: int, date: int) -> int:
    born, now = (np.datetime64(day, "D").astype(object) for day in (birth, date))
    return int(now.year - born.year - ((now.month, now.day) < (born.month, born.day)))


def _follow(subject: Subject, rng: np.random.Generator) -> None:
    """Set doses, visits and the end of one treated subject."""
    subject.first_dose = _weekday(subject.consent + int(rng.integers(9, 18)))
    reason, leaves = FATES.get(subject.key, ("COMPLETED", 84 + int(rng.integers(-2, 4))))
    subject.reason = reason
    subject.last_dose = subject.date(leaves) if reason == "DEATH" else _weekday(subject.date(leaves))
    screened = subject.consent
    subject.visits = [(1.0, "SCREENING", screened, screened + int(rng.choice([0, 0, 1, 2])))]
    for number, (name, planned) in VISITS.items():
        if number == 1.0:
            continue
        date = subject.date(planned) + (0 if number == 2.0 else int(np.clip(round(rng.normal(0, 1.3)), -3, 4)))
        if number == 6.0:
            date = subject.last_dose
        if number == FOLLOW_UP:
            date = subject.last_dose + int(rng.integers(13, 16))
        date = _weekday(date)
        stays = (
            reason == "COMPLETED"
            or date < subject.last_dose - 2
            or (number == FOLLOW_UP and reason in ("ADVERSE EVENT", "LACK OF EFFICACY"))
        )
        if stays and not (number in (3.0, 4.0) and rng.random() < 0.03):
            subject.visits.append((number, name, date, date + int(rng.random() < 0.06)))
    if reason not in ("COMPLETED", "LOST TO FOLLOW-UP", "DEATH"):
        date = _weekday(subject.last_dose + 1)
        subject.visits.append((EARLY, "EARLY TERMINATION", date, date))
    if subject.key in UNSCHEDULED:
        number, day = UNSCHEDULED[subject.key]
        subject.visits.append((number, f"UNSCHEDULED {number}", subject.date(day), subject.date(day)))
    subject.visits.sort(key=lambda visit: visit[2])
    subject.end = max(visit[3] for visit in subject.visits)
    if reason == "LOST TO FOLLOW-UP":
        subject.end = max(subject.end, subject.last_dose) + 28
    if reason == "DEATH":
        subject.end = subject.last_dose + 1


def iso(day: float, minute: float | None = None) -> str:
    """Write a date, with the time of day where one is given."""
    text = str(np.datetime64(int(day), "D"))
    return text if minute is None else f"{text}T{int(minute) // 60:02d}:{int(minute) % 60:02d}"
