"""What events say of the treatment: terms that stand for no relation to it, and for nothing done about it.

Source: SDTM Implementation Guide 3.4, section 6.2.1 (Adverse Events: AEREL, AEACN); CDISC controlled terminology, codelist C66767
(Action Taken with Study Treatment).
"""

from __future__ import annotations

from collections.abc import Mapping

NOTHING: Mapping[str, tuple[str, ...]] = {
    "REL": ("NONE", "NOT RELATED", "UNRELATED", "NO", "N", "NO RELATIONSHIP", "NO REASONABLE POSSIBILITY"),
    "ACN": ("NOT APPLICABLE", "NONE", "DOSE NOT CHANGED"),
}
"""Terms that say nothing of the treatment by the suffix of their variable, those first that say it of a treatment not yet given."""
