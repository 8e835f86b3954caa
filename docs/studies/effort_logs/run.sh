#!/bin/sh
# The study of the effort logs: findings and figures into a folder that is named. OVERTHINK_DATA names the folder of the logs.
set -eu
out=${1:?"usage: $0 FOLDER"}
here=$(dirname "$0")
logs=${OVERTHINK_DATA:?"set OVERTHINK_DATA to the folder that holds reasoning_budgets.parquet"}/reasoning_budgets.parquet

study() { # the amounts that are read, the folder
    overthink analyse "$logs" --reader "$here/ladders.py@ladders:by=$1" --out "$2" \
        --capability "OTIS Mock AIME 2024-2025:high=correct" --capability "Chess Puzzles:high=correct" \
        --capability simpleqa_verified:high=correct
    overthink report "$2" --format svg
}

study both "$out/all"
study effort "$out/efforts" # for a figure of mathematics whose levels can be read

cp "$out/efforts/figures/capability-otis-mock-aime-2024-2025-curves.svg" "$out/aime.svg"
cp "$out/all/figures/capability-chess-puzzles-curves.svg" "$out/chess.svg"
cp "$out/all/figures/capability-simpleqa-verified-curves.svg" "$out/simpleqa.svg"
gzip --best --no-name --stdout "$out/all/findings.json" > "$out/findings.json.gz"
