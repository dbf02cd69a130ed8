# Each goal sets up what it needs first; a second call re-installs nothing.

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
READY := .venv/.ready
WITH_BIN := PATH="$(CURDIR)/$(BIN):$$PATH"
# Neighbours share set-up, so a worker takes a run of tests, and another's rest when it is done.
PARALLEL := -n $(JOBS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run test quick lint formal coverage site notebooks dist release format clean distclean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything, and install the simulators

$(READY): pyproject.toml tools/setup
	@PYTHON="$(PYTHON)" sh tools/setup

run: $(READY) ## Demonstration: digits through golden model, Icarus and Verilator; results in build/run/
	@$(WITH_BIN) $(BIN)/litelstm demo

lint: $(READY) ## Style, formatting, types and layers of imports
	@$(WITH_BIN) $(BIN)/ruff check .
	@$(WITH_BIN) $(BIN)/ruff format --check .
	@$(WITH_BIN) $(BIN)/pyright
	@$(WITH_BIN) $(BIN)/lint-imports --no-cache

test: lint ## Lint, then all tests
	@$(WITH_BIN) $(BIN)/pytest -q $(PARALLEL)

quick: $(READY) ## Tests without Verilog simulators, proofs, frameworks and FPGA tools, in less than a minute
	@$(WITH_BIN) $(BIN)/pytest -q $(PARALLEL) -m quick

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
