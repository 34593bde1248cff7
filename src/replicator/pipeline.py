"""The verbs in order."""
