"""Rows that speak of others: relations between datasets, and comments."""
