"""What stands in a cell whose text is withheld: it is nobody's word, and says nothing."""

from __future__ import annotations

WITHHELD = "TEXT WITHHELD"
"""Stands where fewer than k subjects share a text."""
