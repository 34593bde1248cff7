"""Baselines of findings: the flags, what they are set before, and the circumstances of which each has its own.

Source: SDTM Implementation Guide 3.4, sections 4.5.9 (Baseline Values) and 6.3 (Findings: --BLFL, --LOBXFL, and the variables that
qualify a test).
"""

from __future__ import annotations

FLAGS = ("BLFL", "LOBXFL")
"""Suffixes of the flags."""

FIRST_DOSES = ("RFXSTDTC", "RFSTDTC")
"""Dates of the subject that no baseline is taken after, the first that there is."""

LAST_DOSES = ("RFXENDTC", "RFENDTC")
"""Dates of the subject after which it is not treated any more, the first that there is."""

CIRCUMSTANCES = (
    "TESTCD",
    "CAT",
    "SCAT",
    "SPEC",
    "POS",
    "LOC",
    "LAT",
    "DIR",
    "METHOD",
    "LEAD",
    "TPT",
    "TPTNUM",
    "TPTREF",
    "EVAL",
    "EVALID",
    "REPNUM",
    "FAST",
)
"""Suffixes of the variables that tell baselines of a subject apart."""
