"""Options as words: those of a run as keywords of Python, and descriptions that several commands share."""

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


PRIMARY = (
    "Curves whose verdicts are adjusted among themselves, apart from all others: an axis, a task, an arm or "
    "TASK/ARM, * for any letters; may be repeated."
)

K_REFERENCE = (
    "Thinking tokens at K (thinking) = 1 on all axes, as 512 or 2k; FLOP where the study counts FLOP; lowest: "
    "the lowest budget above 0 that all curves have, as where nothing was ever stated."
)

CAPABILITY = "A task that measures what the model can do; may be repeated."

SAFETY = (
    "A task of safety, with what a high score means: TASK:high=harm or TASK:high=safe; of several scorers one is "
    "named as TASK@scorer.key:high=…; may be repeated."
)

BENIGN = (
    "A task of over-refusal, whose harmless questions should be answered, with what a high score means: "
    "TASK:high=answered or TASK:high=refused; may be repeated."
)

SEED = (
    "Seed of sampling and analysis. The simulated model gives the same findings again; servers that decode requests "
    "together do so at --concurrency 1 alone."
)

HYPOTHESIS = (
    "What you expect: parts of the ladder with directions, as up@2k,flat@8k,down, or boundaries of regimes in "
    "thinking tokens, as 2k,8k, which claim nothing."
)

MODEL_SHAPE = (
    "How big a model is: MODEL=parameters:8e9, after which ;layers:32 ;heads:32 ;hidden_size:4096 may follow "
    "without spaces; or MODEL=config:FOLDER or MODEL=gguf:FILE. May be repeated. A study keeps it. For logs and "
    "tables MODEL may be an arm."
)

ENDPOINT = (
    "Address of a server of the model, as http://gpu-1:8000; repeated: several servers, each of which answers whole "
    "traces. No part of the plan."
)

SHARD = (
    "Ask only the questions of shard I of N, as 3/16; `merge` puts the shards together. Every shard has its own --out."
)

WORKERS = (
    "Collect all shards at once and merge them into --out: processes:N on this machine, ray or ray:N in a Ray that is "
    "started here, ray:HOST:PORT in a cluster. The shards are beside --out, in OUT.shards."
)

SHARDS = "With --workers, number of shards; four per worker if left out."
