"""Verifiers score steps and answers: reward models, judges, roll-outs, likelihoods, and one with a known error."""
