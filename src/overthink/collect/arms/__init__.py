"""Arms, the ways of spending thinking tokens: a strategy and interventions, with verifiers that score steps.

`component` declares an arm's parts and their options; `registry` lists all and parses ``--arms``.
"""
