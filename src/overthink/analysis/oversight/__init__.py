"""Oversight per thinking budget: whether monitors tell the traces to be caught from the others, and at what cost."""
