"""Giveaways: what a statistical reviewer looks at to tell made data from real."""
