"""What stands behind the options of a command: places, arms with their numbers, names of datasets, sizes in bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from replicator.errors import ConfigError
from replicator.locations import located

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parse_place(text: str) -> str:
    """Read a path of this machine or an address in object storage; ConfigError for one that holds credentials or is none.

    Examples
    --------
    >>> parse_place("studies//pilot/"), parse_place("s3://studies/pilot/")
    ('studies/pilot', 's3://studies/pilot')
    """
    return str(located(text, ConfigError))


def parse_arms(texts: Sequence[str]) -> dict[str, int]:
    """Read the numbers of subjects by arm.

    Parameters
    ----------
    texts : sequence of str
        Each one or more ``name=number``, separated by commas; a name may hold commas and equal signs.

    Raises
    ------
    ConfigError
        If a text is of another form, names an arm twice, or asks for no subject at all.

    Examples
    --------
    >>> parse_arms(["A=50, Drug, high dose=25", "B=0"])
    {'A': 50, 'Drug, high dose': 25, 'B': 0}
    """
    arms: dict[str, int] = {}
    for text in texts:
        pairs = re.findall(r"\s*(.+?)\s*=\s*(\d+)\s*(?:,|$)", text)
        if re.sub(r"\s*(.+?)\s*=\s*(\d+)\s*(?:,|$)", "", text).strip() or not pairs:
            raise ConfigError(f"--arm {text!r} is not of the form 'A=50,B=50'; give each arm's name, an equal sign and a number.")
        for name, number in pairs:
            if name in arms:
                raise ConfigError(f"--arm names {name!r} twice; give each arm one number.")
            arms[name] = int(number)
    if not sum(arms.values()):
        raise ConfigError("--arm asks for no subject; give at least one arm a number above 0.")
    return arms


def parse_domains(text: str) -> list[str]:
    """Read names of datasets, separated by commas, in any case; ConfigError if there is none.

    Examples
    --------
    >>> parse_domains("dm, AE")
    ['DM', 'AE']
    """
    names = [name.strip().upper() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"--domains {text!r} names no dataset; give names such as 'DM,AE,LB'.")
    return names


def single_domain(names: Sequence[str] | None) -> str:
    """Return the one dataset that goes to a pipe; ConfigError if not exactly one is chosen."""
    if names is None or len(names) != 1:
        raise ConfigError("Standard output takes one dataset; choose it, for example --domains LB, or name a folder.")
    return names[0]


def number_of_subjects(n: int | None, arms: dict[str, int] | None) -> int:
    """Return how many subjects -n and --arm ask for together; ConfigError if neither does, or if they disagree."""
    if arms is None:
        if n is None:
            raise ConfigError("The number of subjects is missing; give -n or --arm.")
        return n
    total = sum(arms.values())
    if n not in (None, total):
        raise ConfigError(f"-n asks for {n:,} subjects and --arm for {total:,}; make them agree or leave -n out.")
    return total


def parse_size(text: str) -> int:
    """Read a number of bytes, with a decimal unit or none; ConfigError if it is none.

    Examples
    --------
    >>> parse_size("600MB"), parse_size("1.5 g"), parse_size("2000")
    (600000000, 1500000000, 2000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", text.lower())
    if found is None or not float(found[1]):
        raise ConfigError(f"{text!r} is no size; give a number of bytes such as '600MB' or '2GB'.")
    return round(float(found[1]) * _UNITS[found[2]])
