"""A reader: makes a frame of a file of another tool. This one reads `answers.txt`, a line per answer such as `q7: C`.

It is asked whether it claims a path where it is installed; from a file it is named:

    overthink analyse answers.txt --reader docs/extend/reader.py@graded-lines:separator=:
"""

from pathlib import Path

import polars as pl

from overthink.extend import Field, InputError, NotedFrame, Reader, component


@component("graded-lines")
class GradedLines(Reader):
    """Lines of a question's id and the grade of an answer to it: answers*.txt."""

    separator: str = Field(":", description="what stands between id and grade")

    def claims(self, path: Path) -> bool:
        """Return whether a path is such a file."""
        return path.match("answers*.txt")

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per line, with the columns of a plain table; a line without a grade is refused."""
        rows, draws = [], dict[str, int]()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            question, mark, grade = line.rpartition(self.separator)
            if not mark or grade.strip() not in ("C", "I"):
                raise InputError(f"{path}, line {number}: {line[:80]!r}; needed: ID{self.separator} C or I")
            draws[question] = draws.get(question, -1) + 1
            rows.append({"question": question, "draw": draws[question], "score": grade.strip()})
        return NotedFrame(pl.DataFrame(rows), ("Lines of one id are its draws, in their order.",))
