"""Words of errors by which providers decline a request: an error with one of them is a refusal, and no fault.

Logs and tables are read by this one list. A policy of a network or a sandbox that is violated is no refusal, so that a
policy counts where it is named as one of content, of use, or of safety, or where its code is all that is stated.
"""

import re

REFUSAL_ERROR = (
    r"(?i)content[ _-]?(management )?(filter|policy)"
    r"|(content|usage|use|safety|ai)[ _-]?polic(y|ies)[ _-]?violation|^policy[ _-]?violation$|responsibleaipolicy"
    r"|violating our usage polic|prohibited_content|data_inspection_failed|safety_check_type"
    r"|(bio|cyber)_policy|model refusal|^refus(al|ed)$"
    r"|blocked_?prompt_?exception|block_?reason|finish_?reason(: |\.)safety|guardrail_intervened|content exists risk"
)
"""A regular expression, in the syntax that Python and Polars share."""

PROGRAM_ERROR = r"^\s*(Key|Attribute|Type|Name|Index|Import|ModuleNotFound|Assertion|Validation)Error\b"
"""Errors of a program: one that looks for ``content_filter`` in a response names it, and nobody declined."""

_REFUSAL_ERROR, _PROGRAM_ERROR = re.compile(REFUSAL_ERROR), re.compile(PROGRAM_ERROR)


def is_refusal_error(*texts: str) -> bool:
    """Return whether the texts of one error say that the provider or the model declined.

    Args:
        *texts: Its message, and the last line of its traceback.

    Example:
        >>> is_refusal_error("Error code: 400 - content_filter"), is_refusal_error("network policy violation")
        (True, False)
        >>> is_refusal_error("'content_filter'", "KeyError: 'content_filter'")
        False
    """
    is_program = any(_PROGRAM_ERROR.search(text) for text in texts)
    return not is_program and any(_REFUSAL_ERROR.search(text.strip()) for text in texts)
