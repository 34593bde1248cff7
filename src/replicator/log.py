"""Structured log lines: one JSON object an event, written where the user asked for it and nowhere else."""
