#!/bin/sh
# demo.sh: the main job on the demo set, in demo-workspace/: a DuckDB file, no key, no network.
set -eu
cd "$(dirname "$0")/.."
rm -rf demo-workspace
run() { printf '\n$ geo-flywheel %s\n' "$*"; geo-flywheel --workspace demo-workspace "$@"; }

geo-flywheel init demo-workspace
run import data/demo/answers.ndjson.gz data/demo/presence.csv
run track trailnotes.example --weeks 6 --today 2026-08-10
run compare trailnotes.example strideshop.example kilometre.example --today 2026-08-10
run report citation_share --limit 6
run report retrieved_not_cited --site trailnotes.example --limit 5
run report decision_grade --today 2026-08-10
