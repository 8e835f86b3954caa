"""Results of an analysis: one type per claim. Report, terminal and statement read them.

The leaves of every result are findings: numbers with their ids, intervals, evidence and limits, to which every reader
links. All structure around them is in typed fields, so that nobody takes an id, a label, a metric or a limit apart.
:func:`~overthink.data.results.study.flatten` alone turns results into the list that ``findings.json`` stores.
"""
