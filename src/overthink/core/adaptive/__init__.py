"""Draws where they shrink an interval most: who gets the next ones, what is then estimated, and when to stop."""
