"""Strategies of thinking: budget forcing, revision, a calculator tool, and searches guided by a verifier."""
