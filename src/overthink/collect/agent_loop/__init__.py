"""agent_loop."""
