"""Models that run in this process, on llama.cpp: weights, server, and its prefix cache."""
