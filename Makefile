# PYTHON makes the environment; VENV is the folder it goes to.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint bench clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,plot]"
	touch $@

demo: $(VENV)/installed  ## rerun the 2018 article
	$(BIN)/python examples/demo.py

test: $(VENV)/installed  ## lint, types and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

lint: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed  ## speed and quality against the peers, in one run
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build *.egg-info
