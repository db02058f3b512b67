# `make` lists the recipes. Each does its own set-up; `make PYTHON=python3.13 …` chooses the interpreter.
SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/ready$(subst /,_,$(PYTHON))
PEERS := .venv-bench/ready$(subst /,_,$(PYTHON))
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

.PHONY: help setup demo test check lint types layers wheel bench endure validate lock clean
.DEFAULT_GOAL := help

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml scripts/bootstrap.sh
	@PYTHON='$(PYTHON)' sh scripts/bootstrap.sh .venv requirements.lock
	@touch $@

$(PEERS): requirements-bench.lock pyproject.toml scripts/bootstrap.sh
	@PYTHON='$(PYTHON)' sh scripts/bootstrap.sh .venv-bench requirements-bench.lock
	@touch $@

setup: $(READY) ## make .venv with everything in it

demo: $(READY) ## the main job: a year of weekly sweeps over a made-up market; no key, no network beyond this machine
	rm -rf demo-workspace
	$(BIN)/geo-flywheel demo demo-workspace

test: $(READY) ## the tests
	$(BIN)/python -m pytest

check: lint types layers test ## everything CI runs; the tests try the built wheel from another folder

lint: $(READY) ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

layers: $(READY) ## who may import whom
	$(BIN)/lint-imports --no-logo

wheel: $(READY) ## build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

bench: $(PEERS) ## the benchmarks, side by side with a floor or a peer
	.venv-bench/bin/python -m pytest -m bench -s benchmarks

endure: $(READY) ## the long fault tests
	$(BIN)/python -m pytest -m endure

validate: $(READY) ## the coverage studies of the estimators; writes docs/validation.md
	$(BIN)/python -m tests.validation.citation_rate
	$(BIN)/python -m pytest -m validate
	$(BIN)/python -m tests.validation

lock: $(READY) ## resolve requirements.lock and requirements-bench.lock anew
	$(LOCK) --group dev --output-file requirements.lock
	$(LOCK) --group dev --group bench --constraints requirements.lock --output-file requirements-bench.lock

clean: ## remove what the recipes made
	rm -rf .venv .venv-bench .tools dist build demo-workspace .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
