"""Summaries, and how they are shown."""
