"""Verifiers: scores of the steps of a path, or of its answer."""
