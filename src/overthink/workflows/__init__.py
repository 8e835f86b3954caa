"""One workflow for each command: it calls the folders below in order, and computes nothing itself.

`analyse` is the method on one page.
"""
