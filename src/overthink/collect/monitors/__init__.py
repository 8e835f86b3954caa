"""Monitors: what watches traces, and scores those that are there already. A monitor steers nothing."""
