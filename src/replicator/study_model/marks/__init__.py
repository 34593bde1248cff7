"""Dates of a subject that others are counted from: first dose, end of participation, death."""
