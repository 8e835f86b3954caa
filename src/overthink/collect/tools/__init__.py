"""Offline, side-effect-free tools that a model may call while it thinks."""
