# The front door: every command of this project is a target here. `make` alone lists them.
# Variables: ARGS (options for the command of a target), PYTHON (3.11 to 3.14), UV_TORCH_BACKEND=cpu (small torch).
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

NEO4J_ENV := .cache/neo4j/neo4j.env
# Processes of tests, one more than cores for all of them, since some wait for servers; those of one file, and all of
# Neo4j, stay in one process.
PROCESSES := -n 2
ALL_PROCESSES := -n 3
# Files of tests lie in memory where there is room: a load of a store waits for the disk three hundred times.
TEMP = $(shell test "$$(df -m --output=avail /dev/shm 2>/dev/null | tail -n 1)" -ge 8192 2>/dev/null && echo PYTEST_DEBUG_TEMPROOT=/dev/shm)
# Images often forbid bytecode, and then every process that a test starts compiles this package anew.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(TEMP) $(BIN)/python -m pytest

.PHONY: help install demo test test-fast lint bench bench-gpu docs build neo4j-up neo4j-down lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

install: ## make .venv and install everything into it; the second time: nothing to do
	@$(PYTHON) tools/install.py

demo: install ## the demo bank from raw files to explained lists, on the embedded store and the CPU
	@$(BIN)/graphrec demo --run $(ARGS)

test: install ## all tests and doctests; one choice of them: make test ARGS="-k settings"
	@echo "graphrec: running the tests, some minutes on 2 cores" >&2
	@if [ -f $(NEO4J_ENV) ]; then . ./$(NEO4J_ENV); fi; $(PYTEST) $(ALL_PROCESSES) $(ARGS)

test-fast: install ## the quick loop: everything but what is marked slow and what needs a Neo4j server
	@$(PYTEST) $(PROCESSES) -m "not slow and not neo4j" $(ARGS)

lint: install ## format, style, types, generated files up to date
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/python tools/docs.py --check

bench: install ## speed and quality against peers, with seeds; one of them: make bench ARGS=benchmarks/NAME.py
	@for script in $(or $(ARGS),$(wildcard benchmarks/*.py)); do echo "graphrec: $$script" >&2; $(BIN)/python $$script || exit 1; done

bench-gpu: install ## what a GPU brings, beside the CPU; at most eight minutes, and it runs without one too
	@$(BIN)/python benchmarks/gpu.py $(ARGS)

docs: install ## write the generated pages of docs/, and the site of all pages to site/
	@$(BIN)/python tools/docs.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict && echo "the site begins at site/index.html"

build: install ## sdist and wheel in dist/, then the checks of the package
	@rm -rf dist && $(BIN)/python -m hatchling build
	@$(PYTEST) tests/package $(ARGS)

neo4j-up: install ## start a test server of Neo4j and wait until it answers; needs Java 17 and Maven
	@$(BIN)/python -m tests.neo4j.server up

neo4j-down: install ## stop the test server and remove it
	@$(BIN)/python -m tests.neo4j.server down

lock: install ## resolve pyproject.toml anew into requirements.lock and requirements-torch.txt
	@$(BIN)/python tools/lock.py $(ARGS)

clean: ## remove what was built; the home .graphrec and .venv stay
	@rm -rf dist build site .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
