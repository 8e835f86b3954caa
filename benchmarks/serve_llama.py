"""llama.cpp's own HTTP server, from the wheel of xllamacpp, in a process of its own: for trials and benchmarks.

Run: python benchmarks/serve_llama.py WEIGHTS.gguf --port 18200 --context 2048 --slots 8
"""

import argparse
import signal
from pathlib import Path

import xllamacpp


def parameters(arguments: argparse.Namespace) -> xllamacpp.CommonParams:
    """Return llama.cpp's parameters: as its `llama-server` sets them, with metrics."""
    params = xllamacpp.CommonParams()
    params.model.path = str(arguments.weights)
    params.model_alias = {arguments.name}
    params.hostnames = ["127.0.0.1"]
    params.port = arguments.port
    params.n_parallel = arguments.slots
    params.n_ctx = arguments.slots * arguments.context
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.endpoint_metrics = True
    params.fit_params = False
    params.ui = False
    if arguments.key:
        params.api_keys = [arguments.key]
    if arguments.chat_template:
        params.chat_template = arguments.chat_template.read_text()
    return params


def main() -> None:
    """Serve until the process is ended by a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="GGUF file")
    parser.add_argument("--name", default="smollm2", help="name of the model")
    parser.add_argument("--port", type=int, default=18200)
    parser.add_argument("--context", type=int, default=2048, help="tokens per slot")
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--key", default="", help="API key")
    parser.add_argument("--chat-template", type=Path, default=None, help="file with a Jinja template")
    server = xllamacpp.Server(parameters(parser.parse_args()))
    print(f"llama.cpp serves at {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
