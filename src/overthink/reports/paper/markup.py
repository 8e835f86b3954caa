"""Tables and the paragraph on methods as Markdown, and as LaTeX with booktabs in ASCII, which every engine typesets.

Characters that LaTeX reads as commands are escaped, accented letters are written with accent commands, and signs of
our own texts (``−``, ``×``, ``≥``) as mathematics. pdfLaTeX has no font for other scripts: such a character stands as
its code point, ``U+4E2D``, and a comment on top says so.

Markdown has the form that GitHub and Pandoc read.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from overthink.reports.paper.methods import Section
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
    lines = [
        f"**{markdown_escape(table.caption)}**",
        "",
        _markdown_row(heads),
        f"|{'|'.join(rule)}|",
        *map(_markdown_row, table.rows),
    ]
    for note in table.notes:
        lines += ["", markdown_escape(note)]
    return "\n".join(lines) + "\n"


def markdown_escape(text: str) -> str:
    r"""Return a text in which no character is markup.

    >>> markdown_escape("a_b *c* |d|")
    'a\\_b \\*c\\* \\|d\\|'
    """
    return _SPECIAL.sub(r"\\\1", text)


def _markdown_row(cells: "list[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(markdown_escape(cell) for cell in cells)} |"


_PROSE = "p{3.6cm}"
LONGEST = 40
"""Rows that fit on a page; a longer table is a ``longtable``, which breaks across pages."""

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
        "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$",
        "|": "$|$", '"': r"\symbol{34}", "`": r"\textasciigrave{}",
        # After a line's end LaTeX takes a bracket or a star for an argument.
        "[": "{[}", "]": "{]}", "*": "{*}",
        "−": "$-$", "×": r"$\times$", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$",
        "≠": r"$\neq$", "→": r"$\rightarrow$", "←": r"$\leftarrow$", "∞": r"$\infty$", "·": r"$\cdot$",
        "²": "$^2$", "³": "$^3$", "µ": r"$\mu$", "°": r"\textdegree{}", "€": r"\texteuro{}", "§": r"\S{}",
        "…": r"\ldots{}", "–": "--", "—": "---", "‐": "-", "‑": "-", "•": r"\textbullet{}",
        "“": "``", "”": "''", "‘": "`{}", "’": "'{}", "\u00a0": "~", "\u2009": r"\,", "\u202f": r"\,",
        "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
        "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "đ": r"\dj{}", "Đ": r"\DJ{}", "ð": r"\dh{}", "þ": r"\th{}",
        "¿": r"\textquestiondown{}", "¡": r"\textexclamdown{}", "©": r"\copyright{}",
    }
)  # fmt: skip
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", _GREEK_NAMES.split(), strict=True))
_ACCENTS: Mapping[str, str] = MappingProxyType(
    {
        "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
        "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k",
    }
)  # fmt: skip
_LIGATURE = re.compile(r"([-',])(?=\1)")
_PLAIN = re.compile(r"[A-Za-z0-9 .,:;!?()/+=@'-]")
_MARGINS = tuple(rf"\setlength{{\LT{side}}}{{-1in plus 1fill}}" for side in ("left", "right"))
r"""A wide table reaches into both margins alike, as ``\makebox`` lets a short one do."""

_HEAD = (
    r"% \usepackage[T1]{fontenc}, \usepackage{booktabs}{extra}",
    "% Made by Overthink; numbers are rounded here, and at full precision in the CSV (--format csv).",
)
_CODE_POINTS = "% Characters that pdfLaTeX has no font for stand as their code points, as U+4E2D."


def latex_escape(text: str) -> str:
    r"""Return a text that LaTeX typesets as it is, in ASCII.

    Example:
        >>> print(latex_escape("50 % of a_b & −3 ≥ café, 中"))
        50 \% of a\_b \& $-$3 $\geq$ caf\'{e}, U+4E2D
    """
    pieces = [_piece(character) for character in unicodedata.normalize("NFC", _LIGATURE.sub("\\1\0", text))]
    return "".join(pieces)


def _piece(character: str) -> str:
    if character == "\0":  # between two signs that LaTeX would join to another
        return "{}"
    if _PLAIN.match(character):
        return character
    if character in _COMMANDS:
        return _COMMANDS[character]
    if character in _GREEK:
        return rf"$\{_GREEK[character]}$"
    parts = unicodedata.normalize("NFD", character)
    base, marks = parts[0], parts[1:]
    if marks and base.isascii() and base.isalpha() and all(mark in _ACCENTS for mark in marks):
        for mark in marks:
            base = rf"\{_ACCENTS[mark]}{{{base}}}"
        return base
    return f"U+{ord(character):04X}"


def latex_text(table: PrintedTable, *, label: str) -> str:
    r"""Return the table as LaTeX: a ``table`` with a ``tabular``, or a ``longtable`` where it has many rows.

    Args:
        table: The table.
        label: Key for ``\ref``; its text is ours.

    Example:
        >>> from overthink.reports.paper.table import Heading
        >>> text = latex_text(PrintedTable("All.", (Heading("Task"), Heading("%", True)), (("a_b", "5"),)), label="t")
        >>> [line for line in text.splitlines() if "&" in line]
        ['Task & \\% \\\\', 'a\\_b & 5 \\\\']
    """
    columns = "".join(_PROSE if heading.is_prose else "r" if heading.is_number else "l" for heading in table.headings)
    head = _latex_row([latex_escape(heading.text) for heading in table.headings])
    caption = rf"\caption{{{latex_escape(table.caption)}}}\label{{{label}}}"
    is_long = len(table.rows) > LONGEST
    body = _body(table)
    notes = [rf"\par\smallskip {latex_escape(note)}" for note in table.notes]
    if is_long:
        inner = [
            rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}", rf"{caption} \\", r"\toprule", head, r"\midrule",
            r"\endfirsthead", r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endlastfoot",
            *body, r"\end{longtable}",
        ]  # fmt: skip
        lines = ["{\\footnotesize", r"\setlength{\tabcolsep}{4pt}", *_MARGINS, *inner, *notes, r"\par}"]
    else:
        inner = [rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}", r"\toprule", head, r"\midrule", *body]
        inner = [r"\makebox[\linewidth][c]{%", *inner, r"\bottomrule", r"\end{tabular}}"]
        lines = [r"\begin{table}", r"\centering", caption, r"\footnotesize", r"\setlength{\tabcolsep}{4pt}"]
        lines += [*inner, *notes, r"\end{table}"]
    comments = [line.replace("{extra}", r", \usepackage{longtable}" if is_long else "") for line in _HEAD]
    comments += [_CODE_POINTS] if any("U+" in line for line in lines) else []
    return "\n".join([*comments, *lines]) + "\n"


def _body(table: PrintedTable) -> list[str]:
    """Return the rows; the names of a group stand in its first row, and a space before the next group."""
    lines: list[str] = []
    above: Sequence[str] = ()
    for row in table.rows:
        same = 0
        while same < table.groups and row[same : same + 1] == tuple(above[same : same + 1]):
            same += 1
        if above and same < table.groups:
            lines.append(r"\addlinespace")
        lines.append(_latex_row(["" if i < same else latex_escape(cell) for i, cell in enumerate(row)]))
        above = row
    return lines


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def plain_methods(sections: Sequence[Section]) -> str:
    r"""Return one paragraph per section, which begins with its heading.

    >>> plain_methods([Section("Models", ("The model is m.", "It is small."))])
    'Models. The model is m. It is small.\n'
    """
    return "\n\n".join(f"{section.heading}. {' '.join(section.sentences)}" for section in sections) + "\n"


def markdown_methods(sections: Sequence[Section]) -> str:
    """Return the same with bold headings, in which no character of a name is markup."""
    parts = (f"**{section.heading}.** {markdown_escape(' '.join(section.sentences))}" for section in sections)
    return "\n\n".join(parts) + "\n"


def latex_methods(sections: Sequence[Section]) -> str:
    """Return the same as LaTeX paragraphs, in ASCII."""
    parts = (rf"\paragraph{{{section.heading}.}} {latex_escape(' '.join(section.sentences))}" for section in sections)
    return "\n\n".join(parts) + "\n"
