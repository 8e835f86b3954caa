"""Sizes of models, from their files or as stated: what costs in FLOP need."""
