"""Search strategies: they think along several paths, or revise one, and answer from the best."""
