"""Servers of the OpenAI kind (vLLM, llama.cpp, …): what they say of themselves, and continuation through them."""
