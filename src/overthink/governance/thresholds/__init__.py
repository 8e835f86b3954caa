"""Legal and voluntary thresholds on compute: the registry, how each instrument counts, and its words."""
