"""Scores of a verifier for answers that were collected before."""
