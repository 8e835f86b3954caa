"""Errors that are refusals: one list for logs and tables, in the two regular-expression engines that read it."""

import polars as pl
import pytest

from overthink.data.safety_words import PROGRAM_ERROR, REFUSAL_ERROR, is_refusal_error

REFUSALS = [
    "Error code: 400 - {'code': 'content_filter'}",
    "ContentPolicyViolationError: litellm.BadRequestError",
    "The response was filtered due to Azure OpenAI's content management policy.",
    "ResponsibleAIPolicyViolation",
    "your prompt was flagged as potentially violating our usage policy",
    "Usage policies violation",
    "policy_violation",
    "PROHIBITED_CONTENT",
    "bio_policy",
    "Refused",
    "BlockedPromptException: x",
    "finish_reason: SAFETY",
    "400 Content Exists Risk",
    "guardrail_intervened",
]
FAULTS = [
    *("network policy violation", "pod security policy violation", "connection refused", "timeout", "500", ""),
    *("KeyError: 'content_filter'", "TypeError: block_reason"),
]


@pytest.mark.parametrize("text", [*REFUSALS, *FAULTS])
def test_a_word_of_a_policy_on_content_is_a_refusal_for_logs_and_tables_alike(text: str) -> None:
    assert is_refusal_error(text) == (text in REFUSALS)
    cells = pl.Series([text])
    assert (cells.str.contains(REFUSAL_ERROR) & ~cells.str.contains(PROGRAM_ERROR))[0] == (text in REFUSALS)
