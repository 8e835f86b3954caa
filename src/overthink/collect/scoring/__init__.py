"""Scoring: a task's own solver and scorer around an answer, graders, and the polarity of values."""
