"""Inspect logs, those of a study or of any other evaluation, as rows of the pool."""
