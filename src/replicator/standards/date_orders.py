"""Orders of dates that the SDTM implementation guide gives by what it says of its variables.

Source: SDTM Implementation Guide 3.4, sections 5.2 (Demographics: RFSTDTC, RFENDTC, RFXSTDTC, RFXENDTC, RFICDTC, RFPENDTC, DTHDTC,
BRTHDTC) and 6.1 (Exposure).
"""

from __future__ import annotations

SUBJECT_DATES = (
    ("BRTHDTC", "RFICDTC"),
    ("BRTHDTC", "RFSTDTC"),
    ("RFICDTC", "RFSTDTC"),
    ("RFICDTC", "RFXSTDTC"),
    ("RFSTDTC", "RFENDTC"),
    ("RFXSTDTC", "RFXENDTC"),
    ("RFICDTC", "RFPENDTC"),
    ("RFSTDTC", "RFPENDTC"),
    ("RFENDTC", "RFPENDTC"),
    ("RFXSTDTC", "RFPENDTC"),
    ("RFICDTC", "DTHDTC"),
    ("RFSTDTC", "DTHDTC"),
    ("RFXENDTC", "DTHDTC"),
)
"""Dates of the subject, the earlier one first."""

OUTLIVES_DEATH = ("DM", "MH", "CM", "DD", "CO")
"""Domains whose records may be dated after the subject's death: what may be planned, or be written down later."""

_DOSES = (("RFXSTDTC", "STDTC"), ("RFSTDTC", "STDTC"), ("RFICDTC", "STDTC"), ("STDTC", "RFXENDTC"), ("ENDTC", "RFXENDTC"))


def record_orders(domain: str) -> tuple[tuple[str, str], ...]:
    """Orders between a record's dates and those of its subject, the earlier one first.

    Parameters
    ----------
    domain : str
        Code of the domain, for example ``EX``.

    Returns
    -------
    tuple of (str, str)
        The record's own variables with the domain before them; the subject's begin with ``RF`` or are DTHDTC.
    """
    pairs = [("STDTC", "ENDTC")]
    if domain == "EX":
        pairs += _DOSES
    if domain not in OUTLIVES_DEATH:
        pairs += [("DTC", "DTHDTC"), ("STDTC", "DTHDTC")]
    own = ("DTC", "STDTC", "ENDTC")
    return tuple((domain + a if a in own else a, domain + b if b in own else b) for a, b in pairs)
