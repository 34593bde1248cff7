"""The list of all rules as Markdown, from the rules themselves; ``python -m replicator.rules.catalogue`` prints it."""

from __future__ import annotations

from replicator.derivations.baseline import PAIRS
from replicator.profile.date_bounds import NEARBY
from replicator.rules.certificate import RATIO, SIGNIFICANCE
from replicator.rules.learned_flags import FEWEST as FLAGGED_IN
from replicator.rules.learned_nearness import FEWEST as NEAR_IN
from replicator.rules.learned_nearness import STEPS
from replicator.rules.learned_orders import FEWEST
from replicator.rules.learned_relations import ALWAYS
from replicator.rules.learned_succession import FEWEST as NEXT_IN
from replicator.rules.learned_values import MOST_SHAPES, MOST_VALUES, WIDENINGS
from replicator.rules.registry import CHECKS
from replicator.rules.standard import rules_of_standard
from replicator.standards.codelists import codelists_version

LEARNED = (
    ("SRC-KEY", "known_key", "the variables that tell the source's rows apart do so", "nothing is shown"),
    ("SRC-EMPTY", "always_empty", "a variable without any value stays so", "nothing is shown"),
    ("SRC-FILLED", "always_filled", "a variable without a missing cell stays so", "nothing is shown"),
    ("SRC-VALUES", "known_values", "codes are those of the source", f"only if k subjects share each; at most {MOST_VALUES} values"),
    (
        "SRC-SHAPE",
        "text_shape",
        "identifiers and dates have the forms of the source (9 digits, A letters)",
        f"only if k subjects share each; at most {MOST_SHAPES} forms",
    ),
    (
        "SRC-RANGE",
        "value_range",
        "numbers lie in a range, by test and unit",
        "means of the k lowest and the k highest subjects, widened by one of the steps "
        f"{', '.join(f'{step:g}' for step in WIDENINGS)}, rounded outwards",
    ),
    (
        "SRC-FOLLOWS",
        "follows_from",
        "a variable follows from others, with the values of the source where they are known",
        "values that k subjects share",
    ),
    (
        "SRC-TEST",
        "known_combination",
        "a test has its units, positions, time points, category",
        "tests all of whose combinations k subjects share",
    ),
    ("SRC-PLAN", "known_combination", "a visit has its tests", "visits all of whose combinations k subjects share"),
    ("SRC-EPOCH", "known_combination", "a visit is in its epochs", "visits all of whose combinations k subjects share"),
    ("SRC-ARM", "known_combination", "an arm gets its treatments and elements", "arms all of whose combinations k subjects share"),
    (
        "SRC-ARM-DOSE",
        "known_combination",
        "an arm gets its treatments at its doses",
        "arms all of whose combinations k subjects share",
    ),
    (
        "SRC-PRESENT",
        "present_by_arm",
        "all or no subjects of an arm have rows in a dataset",
        f"none: arms of k subjects; all: arms of {ALWAYS}",
    ),
    (
        "SRC-ORDER",
        "date_order",
        "one date never lies after another one",
        f"seen in {FEWEST} subjects; touched by k, {NEARBY} come within a week, or nobody comes near",
    ),
    (
        "SRC-NEAR",
        "dates_near",
        "dates of a subject, or of a row and the visit that it names, lie near each other",
        f"seen in {NEAR_IN} subjects, of deaths in k; one of {', '.join(map(str, STEPS))} days, which nobody exceeds",
    ),
    (
        "SRC-TOTAL",
        "adds_up",
        "a test is the sum or the product of other tests of its occasion",
        "names of tests alone, each of which k subjects have",
    ),
    (
        "SRC-FLAG",
        "flagged_once",
        "a flag is set on at most one record of a subject and test",
        f"seen in {FLAGGED_IN} subjects, where chance would have made {PAIRS:g} pairs",
    ),
    (
        "SRC-NEXT",
        "rows_meet",
        "elements of a subject follow each other without a gap",
        f"seen in {NEXT_IN} subjects; begun on the day of the last one's end, or on the next",
    ),
)


_HEAD = f"""# Rules

Made by `python -m replicator.rules.catalogue > docs/rules.md`; a test holds the two together.

A rule passes, fails with its rows, or is not applicable, which is not passed. Errors are against the standard or impossible;
warnings are for a person to look at. Codelists: CDISC SDTM Controlled Terminology {codelists_version()}.

## From the standard

| code | severity | fails where | needs | what to do |
|---|---|---|---|---|
"""
_LEARNED_HEAD = """
## Learned from a source

What held in the source without exception; every one of these rules passes on its source. k is the fewest subjects that must
stand behind anything that a rule shows.

| code | says | what protects the source's subjects |
|---|---|---|
"""
_CERTIFICATE = f"""
## The certificate

A sample and its source under the same rules. What the source passed the sample must pass: one failure breaks it. Where the
source failed, the sample's rate counts as the same unless it is more than {RATIO} times higher or lower *and* the number of
failing subjects is not what equal rates give: were each test of either as likely to be among those that fail, the chance of so
many, or so few, in the sample would be below {SIGNIFICANCE:.0%} (Fisher's exact test).
"""


def rules_as_markdown() -> str:
    """Write the page that lists every rule code."""
    standard = [
        f"| `{rule.code}` | {rule.severity} | {rule.message} | {CHECKS[rule.kind].needs} | {rule.remedy} |\n"
        for rule in rules_of_standard()
    ]
    learned = [f"| `{code}` | {says} | {protection} |\n" for code, _, says, protection in LEARNED]
    return "".join((_HEAD, *standard, _LEARNED_HEAD, *learned, _CERTIFICATE))


if __name__ == "__main__":
    print(rules_as_markdown(), end="")
