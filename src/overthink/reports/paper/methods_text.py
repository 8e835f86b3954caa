"""The paragraph on methods as plain text, Markdown or LaTeX."""

from collections.abc import Sequence

from overthink.reports.paper import latex, markdown
from overthink.reports.paper.methods import Section


def plain_methods(sections: Sequence[Section]) -> str:
    r"""Return one paragraph per section, which begins with its heading.

    >>> plain_methods([Section("Models", ("The model is m.", "It is small."))])
    'Models. The model is m. It is small.\n'
    """
    return "\n\n".join(f"{section.heading}. {' '.join(section.sentences)}" for section in sections) + "\n"


def markdown_methods(sections: Sequence[Section]) -> str:
    """Return the same with bold headings, in which no character of a name is markup."""
    parts = (f"**{section.heading}.** {markdown.escaped(' '.join(section.sentences))}" for section in sections)
    return "\n\n".join(parts) + "\n"


def latex_methods(sections: Sequence[Section]) -> str:
    """Return the same as LaTeX paragraphs, in ASCII."""
    parts = (rf"\paragraph{{{section.heading}.}} {latex.escaped(' '.join(section.sentences))}" for section in sections)
    return "\n\n".join(parts) + "\n"
