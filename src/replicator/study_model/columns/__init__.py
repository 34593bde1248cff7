"""Columns of any dataset: codes of their cells, what of them enough subjects share, what they hang on, and their dates."""
