"""Interventions: what is done to a model's thinking to keep it safe, and strategies that lengthen or skip it."""
