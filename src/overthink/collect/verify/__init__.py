"""Verifiers: who scores the steps of a line of thought, or its answer."""
