"""The study folder: atomic writes, and reads that validate every column."""
