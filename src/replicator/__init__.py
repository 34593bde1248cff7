"""Learns how a clinical study behaves and makes new subjects who behave the same way."""
