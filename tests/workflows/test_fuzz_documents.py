"""Mutated documents of a study give an answer that shows the change, or one error with file and field."""

import os

import fuzz_documents


def test_mutated_documents_are_refused_or_show() -> None:
    assert fuzz_documents.run(int(os.environ.get("OVERTHINK_FUZZ_SEED", "1")), 60) == []
