"""What is said of the treatment: by events, that it has no part in them; by arms, that there was none.

Source: SDTM Implementation Guide 3.4, section 6.2.1 (Adverse Events: AEREL, AEACN), section 5.2 (Demographics: ARMCD, ARMNRS);
CDISC controlled terminology, codelists C66767 (Action Taken with Study Treatment), C142179 (Arm Null Reason).
"""

from __future__ import annotations

from collections.abc import Mapping

NOTHING: Mapping[str, tuple[str, ...]] = {
    "REL": ("NONE", "NOT RELATED", "UNRELATED", "NO", "N", "NO RELATIONSHIP", "NO REASONABLE POSSIBILITY"),
    "ACN": ("NOT APPLICABLE", "NONE", "DOSE NOT CHANGED"),
}
"""Terms that say nothing of the treatment by the suffix of their variable, those first that say it of a treatment not yet given."""

NEVER_TREATED = ("SCRNFAIL", "SCREEN FAILURE", "SCREENFAILURE", "SCREEN FAIL", "NOTTRT", "NOT TREATED", "NOTASSGN", "NOT ASSIGNED")
"""What stands, in capitals, for an arm of those who had no treatment."""

ENDS: Mapping[str, tuple[str, ...]] = {"ACN": ("DRUG WITHDRAWN",)}
"""Terms that say that the treatment ended for the event, by the suffix of their variable."""

COMPLETED = "COMPLETED"
MILESTONES = ("ENTERED INTO TRIAL", "INFORMED CONSENT OBTAINED", "RANDOMIZED")
"""Terms with which nobody leaves: of codelists C66727 (Completion/Reason for Non-Completion) and C114118 (Protocol Milestone)."""
