"""What `overthink` alone prints: the three things that a newcomer can do, with one command each."""

TEXT = """\
Overthink measures what more thinking does to a model: how much more it can do, and how much less safe it gets.

Logs of Inspect or a table that are there already; no model is called:

    overthink analyse logs/
    overthink compare base.eval new.eval

Try it: a simulated model whose truth is known, in seconds, without weights or a key:

    overthink run --model overthink/simulated --safety overthink/secret --budgets 0,64,256 --out try

Your own model on your own tasks (a hosted model has levels instead of budgets: --efforts low,medium,high):

    overthink run --model vllm-completions/Qwen/Qwen3-8B --capability my_tasks.py@sums --budgets 0,512,2k --out study

overthink --help lists the commands, overthink COMMAND --help the options of one.
"""


def commands() -> tuple[str, ...]:
    """Return the command lines of the text."""
    return tuple(line.strip() for line in TEXT.splitlines() if line.startswith("    "))
