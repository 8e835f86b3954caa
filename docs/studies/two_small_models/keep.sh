#!/bin/sh
# What the page needs of runs in a folder, into the folder of this script: keep.sh FOLDER MODEL ...; then `make pages`.
set -eu
runs=${1:?"usage: $0 FOLDER MODEL ..."}
shift
here=$(dirname "$0")
for model; do
    overthink report "$runs/$model" --format svg
    mkdir -p "$here/$model"
    for name in plan.json pool.parquet models.json analysis.json; do cp "$runs/$model/$name" "$here/$model/"; done
    cp "$runs/$model/figures/axes-curves.svg" "$here/$model/curves.svg"
    python -c 'import overthink, sys; overthink.analyse(sys.argv[1]).chart(arms=["base"]).save(sys.argv[2])' \
        "$runs/$model" "$here/$model/base.svg"
    gzip --best --no-name --stdout "$runs/$model/findings.json" > "$here/$model/findings.json.gz"
done
