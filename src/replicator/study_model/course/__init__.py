"""The visits that a subject comes to one after the other: how far it gets, which it keeps, on which days."""
