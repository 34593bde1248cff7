"""Checks by subject; each takes the study and a rule and gives what it tested."""
