# Each target does all of its own set-up: a machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help reproduce test check lint types format lock lab bench docs gallery clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

reproduce: $(READY) ## Rebuild everything: raw checks, processed tables, notebooks, figures, report
	@$(BIN)/reanalysis reproduce

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: lint types test ## Lint, types and tests: what CI runs (.ci/run)

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY) ## mypy --strict on src/
	@$(BIN)/mypy

format: $(READY) ## Let ruff rewrite the sources
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lab: $(READY) ## Open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir=notebooks

bench: $(READY) ## Measure speed and print a table (benchmarks/README.md)
	@$(BIN)/python benchmarks/run.py

docs: $(READY) ## Compute the tables of coverage in docs/ again (two minutes)
	@$(BIN)/python docs/build_coverage.py
	@$(BIN)/python docs/build_meta_coverage.py

gallery: $(READY) ## Draw every figure in every journal's style, into build/gallery
	@PYTHONPATH=docs $(BIN)/python -W ignore -m gallery.build

lock: $(READY) ## Compile requirements/*.lock from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --output-file requirements/project.lock
	@echo "uv" | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --output-file requirements/installer.lock

clean: ## Remove the environment and everything built outside of version control
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache

# The stamp is written last, so an interrupted installation is taken up again by the next call.
$(READY): requirements/project.lock requirements/installer.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, but $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/project.lock requirements/installer.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
