"""From curve to statement: where thresholds on compute stand, and what a multiple of inference compute changes.

Data files that a person reviews (``data/``) and pure functions. Nothing here reads a file of the user, a clock or a
network: the date is an argument, and so is randomness. Results are analysis, never a legal classification.
"""
