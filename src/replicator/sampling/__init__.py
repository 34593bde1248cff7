"""New studies from a study model."""
