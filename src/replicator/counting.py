"""Numbers with their nouns, and with the verbs that agree with them."""

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
