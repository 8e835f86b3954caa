"""Rules that a statement keeps: its claims, numbers, scope and wording."""
