# Everything a newcomer needs: Python 3.11 or newer, make, and a package index. Nothing is installed outside $(VENV).

PYTHON ?= python3
VENV ?= .venv
DIST ?= dist
WORKERS ?= auto

BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest

# One BLAS thread a worker: the workers share the cores, and the last bits do not depend on how many there are.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test sweep browser parity lint types golden dist smoke clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(STAMPS)/package ## derive, generate, verify and train on a bundled data set
	$(BIN)/symmlp demo --force

test: $(STAMPS)/test ## run the tests (no deep-learning framework needed)
	$(PYTEST) -n $(WORKERS) -m "not slow and not browser"

sweep: $(STAMPS)/test ## the slow tests, which look at many more networks; some minutes
	$(PYTEST) -n $(WORKERS) -m slow

browser: $(STAMPS)/browser ## use the report's page in a headless Chromium, which the system has to bring along
	$(PYTEST) -n $(WORKERS) -m browser

parity: $(STAMPS)/parity ## compare loss and gradients with PyTorch, JAX, Keras and scikit-learn
	SYMMLP_PARITY=1 $(PYTEST) -n $(WORKERS) tests/parity

lint: $(STAMPS)/test ## check style and format, of the sources and of the generated modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(if $(wildcard generated),$(BIN)/ruff check --isolated generated)
	$(if $(wildcard generated),$(BIN)/ruff format --isolated --check generated)

types: $(STAMPS)/test ## check the annotations, strictly
	$(BIN)/mypy

golden: $(STAMPS)/test ## rewrite the committed expected files; look at the diff before committing
	$(PYTEST) -m golden --update-golden

dist: $(STAMPS)/build ## build the source archive, and the wheel from that archive
	rm -rf $(DIST)
	$(BIN)/python -m hatchling build --target sdist --directory $(DIST)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(DIST) $(DIST)/symmlp-*.tar.gz

smoke: dist ## install the wheel into an environment of its own and use it
	$(BIN)/python tests/smoke/installed_wheel.py $(DIST)

clean: ## remove the environment, built archives and caches
	rm -rf $(VENV) $(DIST) build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find symmlp tests benchmarks generated -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(STAMPS)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "symmlp needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	    echo "Name a newer one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up $(VENV); this takes a minute the first time."
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/package: pyproject.toml $(STAMPS)/python
	$(PIP) --editable .
	@touch $@

$(STAMPS)/test: $(STAMPS)/package
	$(PIP) --editable '.[test]'
	@touch $@

$(STAMPS)/parity: $(STAMPS)/test
	$(PIP) --editable '.[test,parity]'
	@touch $@

$(STAMPS)/browser: $(STAMPS)/test
	$(PIP) --editable '.[test,browser]'
	@touch $@

$(STAMPS)/build: $(STAMPS)/package
	$(PIP) 'hatchling>=1.24'
	@touch $@
