"""The nouns of the method: a row of the pool, outcomes, token usage, findings, and the closed lists of their words.

Every other folder speaks in these types.
"""
