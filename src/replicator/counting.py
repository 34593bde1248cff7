"""Numbers with their nouns, and with the verbs that agree with them; bytes and seconds in the unit that suits them."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """Write a number with what is counted.

    Parameters
    ----------
    n : int
    one : str
        What there is one of: a noun, with what must agree with it.
    many : str
        What there are several of; by default the plural of a noun.

    Examples
    --------
    >>> counted(1, "subject"), counted(1000, "subject"), counted(2, "entry"), counted(0, "day")
    ('1 subject', '1,000 subjects', '2 entries', '0 days')
    >>> counted(1, "row belongs", "rows belong"), counted(2, "row belongs", "rows belong")
    ('1 row belongs', '2 rows belong')
    """
    if n != 1 and not many:
        ends_in_y = one.endswith("y") and one[-2:-1] not in "aeiou"
        many = one[:-1] + "ies" if ends_in_y else one + "s"
    return f"{n:,} {one if n == 1 else many}"


def size(n_bytes: int) -> str:
    """Write a number of bytes in the unit that suits it.

    Examples
    --------
    >>> size(900), size(20_480), size(3_500_000), size(5 * 10**9)
    ('900 B', '20 kB', '3.5 MB', '5.0 GB')
    """
    if n_bytes < 1_000:
        return f"{n_bytes} B"
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1_000:.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 10**9 else f"{n_bytes / 1e9:,.1f} GB"


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it.

    Examples
    --------
    >>> duration(4.21), duration(600), duration(9000)
    ('4.2 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
