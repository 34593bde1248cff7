"""Numbers with their nouns, as sentences of reports have them."""

from replicator.counting import counted

__all__ = ["counted"]
