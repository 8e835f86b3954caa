"""Descriptions of options that several commands have, for the command line and for files of options."""

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

SEED = "Seed; the same seed gives the same findings."

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
