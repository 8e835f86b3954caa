"""What the questions of a table ask, as hashes: whether one id stands for the same question in two tables."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from overthink.errors import InputError
from overthink.storage.tables.cells import texts, word_set
from overthink.storage.tables.columns import question_candidates
from overthink.storage.tables.table_files import column_names, is_table, read_cells

QUESTION_TEXTS = word_set(
    """prompt input input_text problem problem_text question_text instruction query user_prompt target gold expected
    expected_answer reference reference_answer ground_truth doc_hash prompt_hash target_hash"""
)
"""Names of columns that hold what a question asks, or its right answer: one text for each question."""

Digests = dict[str, frozenset[tuple[str, str]]]
"""Name of a column and hash of its text, by question."""


def table_digests(path: Path, questions: Collection[str]) -> Digests:
    """Return hashes of what the questions of a table ask; empty where no column says so.

    Args:
        path: The file; one that is no table says nothing.
        questions: Ids of the questions as they were read, which tell the column of the question.
    """
    names = column_names(path) if is_table(path) else []
    asked = [name for name in names if name.strip().lower() in QUESTION_TEXTS]
    candidates = question_candidates(names)
    if not asked or not candidates:
        return {}
    try:
        cells = read_cells(path, choose=lambda _: {*asked, *candidates})
        ids = next((ids for name in candidates if set(questions) <= set(ids := texts(cells[name]))), None)
    except InputError:
        return {}
    if ids is None:
        return {}
    digests: dict[str, set[tuple[str, str]]] = {}
    for name in asked:
        for question, text in zip(ids, cells[name], strict=True):
            if question is not None and text is not None:
                content = hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()
                digests.setdefault(question, set()).add((name.strip().lower(), content))
    return {question: frozenset(own) for question, own in digests.items()}
