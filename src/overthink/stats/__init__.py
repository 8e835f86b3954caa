"""The method: arrays in, frozen results out.

Functions in this folder depend on NumPy and SciPy only. No files, network, clock, logging or hidden randomness.
"""
