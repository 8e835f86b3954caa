"""rescore."""
