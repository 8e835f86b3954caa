"""Safety interventions on a model's thinking, and strategies that lengthen or skip it."""
