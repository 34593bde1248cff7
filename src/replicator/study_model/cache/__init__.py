"""What was computed before: results by content, whole fits by the bytes of their files, and the folder that holds them."""
