"""A study in a notebook: its card, tables as frames, lists of findings, and charts that show themselves."""
