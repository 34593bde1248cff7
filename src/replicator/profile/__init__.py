"""What is in a study."""
