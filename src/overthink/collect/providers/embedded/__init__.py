"""Models that run in this process, on llama.cpp: a registry of weights, their installation, server and prefix cache."""
