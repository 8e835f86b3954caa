"""``hf/NAME`` in process: a ladder through Transformers, with a key-value cache per trace.

`open` checks and loads a model; `provider` is its interface to Inspect; `engine` decodes, in batches, from the prefixes
that `kv_cache` holds; `decoding` needs no PyTorch.
"""
