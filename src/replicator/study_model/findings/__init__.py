"""Findings: what is measured when, and the results of all tests together."""
