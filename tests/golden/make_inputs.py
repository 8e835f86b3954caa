"""Makes the stored inputs anew: `python tests/golden/make_inputs.py [NAME …]`, with Overthink and its `demo` extra.

Studies come from the command line, on the simulated model or on the small models below; logs from Inspect; tables from
seeded random numbers. Of a study only what is read again is stored: no logs, no journal, no report. Inputs are stored
so that a change of collection does not change them; make them anew only where a format has changed.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai import eval as evaluate
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import ChatMessage, ChatMessageTool, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolInfo

sys.path.insert(0, str(Path(__file__).parent))
from make_tables import write_tables

from golden import INPUTS, call

OWN_TASKS = Path(__file__).parent / "own_tasks.py"

STORED = ("plan.json", "pool.parquet", "verified.json", "waves.jsonl", "models.json", "estimate.json", "analysis.json")
"""What of a study's folder a report, a statement or a comparison reads."""

TOKENS = {"low": 60, "medium": 240, "high": 960}


@modelapi(name="golden")
class Own(ModelAPI):
    """`reasoner` thinks by its level, `deaf` by its own lights, `adder` and `mute` work in turns."""

    def __init__(self, model_name: str, base_url: Any = None, api_key: Any = None, config: Any = None) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002
        tools: list[ToolInfo],
        tool_choice: Any,
        config: GenerateConfig,
    ) -> ModelOutput:
        if self.model_name == "adder":
            return _sum_by_calls(input)
        if self.model_name == "mute":
            return _output("ANSWER: 0", 4)
        level = TOKENS.get(str(config.reasoning_effort), 240)
        tokens = 240 if self.model_name == "deaf" else level
        chance = {60: 0.25, 240: 0.5, 960: 0.8}[tokens]
        text = next(message.text for message in input if message.role == "user")
        number = np.random.default_rng([config.seed or 0, level, *text.encode()])
        return _output("yes" if number.random() < chance else "no", tokens + int(number.integers(0, 9)), tokens)


def _output(text: str, tokens: int, thinking: int | None = None) -> ModelOutput:
    return _with_usage(ModelOutput.from_content("golden", text), tokens, thinking)


def _with_usage(output: ModelOutput, tokens: int, thinking: int | None = None) -> ModelOutput:
    output.usage = ModelUsage(
        input_tokens=100, output_tokens=tokens, reasoning_tokens=thinking, total_tokens=100 + tokens
    )
    return output


def _sum_by_calls(messages: list[ChatMessage]) -> ModelOutput:
    """Adds 1 as often as the question says, with one call of the calculator each time, and then writes the sum."""
    depth = int(next(message.text for message in messages if message.role == "user").split()[-1])
    results = [message.text for message in messages if isinstance(message, ChatMessageTool)]
    if len(results) < depth:
        expression = f"{results[-1] if results else 0} + 1"
        output = ModelOutput.for_tool_call("golden", "calculator", {"expression": expression})
        return _with_usage(output, 10 + len(results))
    return _output(f"ANSWER: {results[-1] if results else 0}", 3)


# ---- studies


def _run(name: str, *options: str) -> None:
    """A study of the command line, stripped."""
    code, _, messages = call("run", *options, "--yes", "--out", f"whole-{name}")
    if code != 0:
        raise SystemExit(f"{name}: {messages}")
    _store(f"whole-{name}", name)


def _store(whole: str, name: str) -> None:
    target = INPUTS / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in STORED:
        if (Path(whole) / file).exists():
            shutil.copy(Path(whole) / file, target / file)


def _simulated(**settings: object) -> list[str]:
    model = ["--model", "overthink/simulated"]
    return model + [part for key, value in settings.items() for part in ("-M", f"{key}={value}")]


CAPABILITY = ("--capability", "overthink/arithmetic")
SAFETY = ("--safety", "overthink/contrast_harm")
BENIGN = ("--benign", "overthink/contrast_benign")


def ladder() -> None:
    """Three axes on one forced ladder, with a pre-registered hypothesis."""
    model = _simulated(capability="rise", safety="decline", natural_length=150, unparsed=0.05, question_sd=0.5)
    ask = ("--budgets", "0,16,32,64,128", "--hypothesis", "16,64", "--limit", "12", "--draws", "3", "--seed", "3")
    _run("ladder", *model, *CAPABILITY, *SAFETY, *BENIGN, *ask)


def controls() -> None:
    """Sham, natural and truncated answers, the rest thought anew, and verdicts on the thinking."""
    model = _simulated(safety="decline", natural_length=50, commit_step=2)
    ask = ("--budgets", "0,24,64", "--limit", "8", "--draws", "2", "--seed", "4", "--resample", "2", "--judge-traces")
    ask = (*ask, "--trace-scorer", "thought")
    _run("controls", *model, *SAFETY, *ask, "--controls", "sham,natural,truncated")


def arms() -> None:
    """Interventions of two depths, no thinking, and a search by a verifier, on three axes."""
    model = _simulated(capability="rise", safety="decline", step_gain=3, natural_length=120)
    labels = "base,zerothink,safethink:m=1,as=safe1,safethink:m=3,as=safe3,prm-beam"
    ask = ("--budgets", "0,48", "--limit", "6", "--draws", "2", "--seed", "5")
    _run("arms", *model, *CAPABILITY, *SAFETY, *BENIGN, "--arms", labels, *ask)


def verified() -> None:
    """One study whose answers are scored by their steps, and a copy that is scored as a whole."""
    model = _simulated(capability="rise", step_gain=4, natural_length=100)
    ask = ("--budgets", "0,30,60", "--limit", "6", "--draws", "4", "--seed", "6", "--controls", "natural")
    _run("unverified", *model, *CAPABILITY, *ask)
    shutil.rmtree(INPUTS / "unverified")
    for name, verifier, by in (
        ("by-steps", "simulated:aggregate=mean", "steps"),
        ("by-answer", "simulated:error=0.2", "answer"),
        ("by-oracle", "rollouts:n=2,tokens=0,against=target", "answer"),
    ):
        code, _, messages = call(
            "verify", "whole-unverified", "--verifier", verifier, "--by", by, "--yes", "--out", f"whole-{name}"
        )
        if code != 0:
            raise SystemExit(f"{name}: {messages}")
        _store(f"whole-{name}", name)


def until() -> None:
    """Draws that follow draws: until intervals are narrow, and until a number of tries is known."""
    model = _simulated(safety="flat", question_sd=0.8)
    task = ("--safety", "overthink/secret", "--budgets", "0,8", "--seed", "7")
    narrow = ("--until", "half-width=0.155", "--limit", "14", "--draws", "3", "--max-draws", "32")
    _run("until-narrow", *model, *task, *narrow)
    cap = ("--until", "crossing=0.5", "--limit", "8", "--draws", "2", "--max-draws", "6")
    _run("until-crossing", *model, *task, *cap)


def efforts() -> None:
    """A provider's own levels: one model follows them, one does not."""
    ask = ("--capability", "own_tasks.py@questions", "--efforts", "low,medium,high", "--draws", "3", "--seed", "8")
    _run("efforts", "--model", "golden/reasoner", *ask)
    _run("efforts-deaf", "--model", "golden/deaf", *ask)


def loops() -> None:
    """Loops of tool calls scored after turns and within tokens; one that never calls a tool."""
    ask = ("--capability", "own_tasks.py@steps", "--draws", "2", "--seed", "9")
    _run("turns", "--model", "golden/adder", *ask, "--turns", "1,2,4,8")
    _run("turns-mute", "--model", "golden/mute", *ask, "--turns", "1,2")
    _run("loop-tokens", "--model", "golden/adder", *ask, "--loop-tokens", "10,21,46,108")


# ---- logs


def logs() -> None:
    """Logs that others would have: epochs, reasoning efforts, several scorers, and agents scored on their way."""
    target = INPUTS / "logs"
    shutil.rmtree(target, ignore_errors=True)
    for folder, task, options in (
        ("efforts", "questions", {"reasoning_effort": "low", "epochs": 3}),
        ("efforts", "questions", {"reasoning_effort": "high", "epochs": 3}),
        ("epochs", "harms", {"epochs": 4}),
        ("agents", "agents", {"epochs": 2}),
    ):
        runs = evaluate(
            f"own_tasks.py@{task}", model="golden/reasoner", log_dir="whole-logs", display="none", **options
        )
        _store_log(Path(runs[0].location), target / folder, name=f"{task}-{options.get('reasoning_effort', 'plain')}")


def _store_log(source: Path, folder: Path, *, name: str) -> None:
    """The log without what tells of the machine, and without events but for agents."""
    log = read_eval_log(str(source))
    log.eval.revision = None
    log.eval.task_file = None
    log.eval.packages = {}
    for sample in log.samples or []:
        if log.eval.task != "agents":
            sample.events = []
            sample.attachments = {}
    folder.mkdir(parents=True, exist_ok=True)
    write_eval_log(log, str(folder / f"{name}.{'json' if log.eval.task == 'questions' else 'eval'}"))


def tables() -> None:
    """Tables of draws and of counts, in the formats that are read."""
    write_tables(INPUTS / "tables")


ALL: dict[str, Callable[[], None]] = {
    maker.__name__: maker for maker in (ladder, controls, arms, verified, until, efforts, loops, logs, tables)
}


def main(names: list[str]) -> None:
    """Make the inputs of these names, or all."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(OWN_TASKS, folder)
        os.chdir(folder)
        for name in names or ALL:
            print(name, flush=True)  # noqa: T201
            ALL[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
