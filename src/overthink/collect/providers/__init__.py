"""Continuation of a prefix at each provider: token ids, raw text, or a prefilled chat message.

`choose` selects the way for a model; `chat_template` and `think_tags` say how thinking opens and closes.
"""
