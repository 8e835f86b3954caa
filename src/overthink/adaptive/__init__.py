"""Adaptive sampling: allocation of the next draws, variance estimates under it, and stopping."""
