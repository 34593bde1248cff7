"""What the cells of a row, and the rows of a subject, must agree on."""
