# Each goal sets up what it needs first; a second call re-installs nothing.

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
READY := .venv/.ready
WITH_BIN := PATH="$(CURDIR)/$(BIN):$$PATH"
# Processes of the tests start in half the time with their imports as bytecode.
PYTEST := $(WITH_BIN) PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q
# Neighbours share set-up, so a worker takes a run of tests, and another's rest when it is done.
PARALLEL := -n $(JOBS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run test tests quick lint style types formal coverage site notebooks dist release format clean distclean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything, and install the simulators

$(READY): pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" sh tools/setup

run: $(READY) ## Demonstration: digits through golden model, Icarus and Verilator; results in build/run/
	@$(WITH_BIN) $(BIN)/litelstm demo

lint: style types ## Style, formatting, types and layers of imports

style: $(READY)
	@$(WITH_BIN) $(BIN)/ruff check .
	@$(WITH_BIN) $(BIN)/ruff format --check .
	@$(WITH_BIN) $(BIN)/lint-imports --no-cache

types: $(READY)
	@$(WITH_BIN) $(BIN)/pyright

test: style ## Lint and all tests; types are checked beside them
	@$(MAKE) --no-print-directory -j 2 types tests

tests: $(READY)
	@$(PYTEST) $(PARALLEL)

quick: $(READY) ## Tests without Verilog simulators, proofs, frameworks and FPGA tools, in less than a minute
	@$(PYTEST) $(PARALLEL) -m quick

formal: $(READY) ## Prove what the streams promise, for small cores of every cell; see docs/formal.md
	@$(WITH_BIN) $(BIN)/python -m sim.formal

coverage: $(READY) ## Measure what the benches reach in small cores; page in build/coverage/
	@$(WITH_BIN) $(BIN)/python -m sim.coverage

site: $(READY) ## Build the docs as a site into build/site/
	@$(WITH_BIN) NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -q

notebooks: $(READY) ## Execute examples/notebooks, and write their pages in docs/notebooks/
	@$(WITH_BIN) $(BIN)/python tools/notebooks.py

dist: $(READY) ## Build sdist and wheel into dist/
	@$(BIN)/python -m build --no-isolation

release: $(READY) ## Build sdist, wheel, site and SHA256SUMS into dist/, the same bytes for one commit
	@$(WITH_BIN) $(BIN)/python tools/release.py

format: $(READY) ## Rewrite the source in the project's style
	@$(WITH_BIN) $(BIN)/ruff check --fix .
	@$(WITH_BIN) $(BIN)/ruff format .

clean: ## Remove what was built
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove .venv too
	rm -rf .venv
