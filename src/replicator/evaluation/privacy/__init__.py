"""Whether anybody of the source can be found in a sample: attacks, each beside what the same attack does to real subjects."""
