"""How a dataset is written: order of its rows, identifiers, SUPP-- variables, columns of numbers and texts."""
