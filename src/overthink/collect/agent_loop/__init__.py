"""Agent loops: a task's own loop of tool calls runs once, and is scored at checkpoints of turns or generated tokens."""
