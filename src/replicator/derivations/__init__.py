"""Variables that follow from others: each is tested on the source before it is believed, and recomputed after sampling."""
