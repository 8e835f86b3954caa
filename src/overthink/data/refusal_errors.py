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
)
"""A regular expression, in the syntax that Python and Polars share."""

_REFUSAL_ERROR = re.compile(REFUSAL_ERROR)


def is_refusal_error(text: str) -> bool:
    """Return whether the text of an error says that the provider or the model declined.

    Example:
        >>> is_refusal_error("Error code: 400 - content_filter"), is_refusal_error("network policy violation")
        (True, False)
    """
    return _REFUSAL_ERROR.search(text.strip()) is not None
