"""Datasets whose rows follow each other on a subject's way through the study: exposure, elements, disposition."""
