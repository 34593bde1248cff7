"""Rules of the standard and of the source, and the findings that they give; the judge, who never sees a model."""
