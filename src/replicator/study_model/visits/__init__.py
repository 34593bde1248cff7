"""Visits beside the course, what visits are called, and on which days they may be."""
