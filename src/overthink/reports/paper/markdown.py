"""A table as Markdown, in the form that GitHub and Pandoc read."""

import re

from overthink.reports.paper.table import PrintedTable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def markdown_text(table: PrintedTable) -> str:
    r"""Return the caption, the table and its notes.

    Example:
        >>> from overthink.reports.paper.table import Heading
        >>> print(markdown_text(PrintedTable("All.", (Heading("Task"), Heading("%", True)), (("a|b", "5"),))), end="")
        **All.**
        <BLANKLINE>
        | Task | % |
        |---|--:|
        | a\|b | 5 |
    """
    heads = [heading.text for heading in table.headings]
    rule = ["--:" if heading.is_number else "---" for heading in table.headings]
    lines = [f"**{escaped(table.caption)}**", "", _row(heads), f"|{'|'.join(rule)}|", *map(_row, table.rows)]
    for note in table.notes:
        lines += ["", escaped(note)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Return a text in which no character is markup.

    >>> escaped("a_b *c* |d|")
    'a\\_b \\*c\\* \\|d\\|'
    """
    return _SPECIAL.sub(r"\\\1", text)


def _row(cells: "list[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"
