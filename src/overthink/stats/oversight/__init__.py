"""Oversight of reasoning, as arithmetic: is it read, is it needed, what could it hide, does a weaker judge keep up.

Arrays in, frozen results out. Where an interval is refused its ends are NaN, the estimate stays, and a reason says why.
"""
