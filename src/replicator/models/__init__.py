"""Models of arrays: they know nothing of clinical data standards."""
