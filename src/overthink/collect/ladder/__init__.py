"""The ladder: a trace thinks up to a rung, is forked, answers and is scored, then thinks on from where it stopped.

`climb` is the loop over rungs, `thinking` one path of reasoning, `accounting` its token usage, `trace` its rows.
"""
