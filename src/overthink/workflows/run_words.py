"""The options of a run as keywords of Python, for editors and type checkers; what they mean is in `run_options`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict

OneOrMore = str | Sequence[str] | None
"""A text, or a list of them."""

Budgets = str | Sequence[int | str] | None
"""Whole numbers as a list, or as a text with commas; 2k is 2,000."""


class RunWords(TypedDict, total=False):
    """Words of `overthink run`; None leaves one out."""

    model: OneOrMore
    capability: OneOrMore
    safety: OneOrMore
    benign: OneOrMore
    limit: int | None
    draws: int | None
    until: str | None
    max_draws: int | None
    seed: int | None
    grader: str | None
    model_args: Mapping[str, str | int | float | bool] | None
    task_args: Mapping[str, str | int | float | bool] | None
    budgets: Budgets
    efforts: Budgets
    turns: Budgets
    loop_tokens: Budgets
    sandbox_scoring: Literal["unchanged"] | None
    think: str | None
    answer_tokens: int | None
    answer_cue: str | None
    temperature: float | None
    top_p: float | None
    concurrency: int | None
    arms: OneOrMore
    controls: OneOrMore
    resample: str | int | None
    judge_traces: bool | None
    trace_scorer: OneOrMore
    level: float | None
    margin: float | None
    hypothesis: Budgets
    primary: OneOrMore
    k_reference: str | float | None
    model_shape: OneOrMore | Mapping[str, str]
    out: str | Path | None
    shard: str | None
    endpoint: OneOrMore
    workers: str | None
    shards: int | None
