"""Interventions that should keep a model safe: prompts, guards and monitors around any strategy."""
