# PYTHON makes the environment; VENV is the folder it goes to.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = python -m pip --quiet --disable-pip-version-check

.PHONY: demo test suite test-lowest package lint bench calibration fuzz pictures docs notebook clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP) install -e ".[dev,plot]"
	touch $@

demo: $(VENV)/installed  ## rerun the 2018 article
	$(BIN)/python examples/demo.py

test: $(VENV)/installed  ## lint, types, layers and tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) suite

suite: $(VENV)/installed  ## the tests alone
	$(BIN)/python -m pytest -n auto --dist worksteal

LOWEST = $(VENV)-lowest

$(LOWEST)/installed: pyproject.toml $(VENV)/installed
	$(PYTHON) -m venv --clear $(LOWEST)
	$(BIN)/python tools/lowest_versions.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/$(PIP) install --only-binary=:all: -c $(LOWEST)/constraints.txt -e ".[test]"
	touch $@

# Old packages use what newer ones beneath them deprecate, hence the ignored warnings. Without the variable
# scikit-learn before 1.8 does not import its tools for tests.
test-lowest: export SCIPY_ARRAY_API = 1
test-lowest: $(LOWEST)/installed  ## the main tests with every dependency at its lowest supported version; Python 3.11
	$(LOWEST)/bin/python -m pytest -n auto -W ignore::DeprecationWarning $(addprefix tests/test_,$(addsuffix .py,\
		groups prediction inference density persistence persistence_errors arviz sklearn_contract))

PACKAGE = build/package

package: $(VENV)/installed  ## wheel and sdist in dist/, each installed in an empty environment and tried out
	rm -rf dist $(PACKAGE)
	$(BIN)/python -m build
	for file in dist/*; do \
		$(PYTHON) -m venv --clear $(PACKAGE) && \
		$(PACKAGE)/bin/$(PIP) install $$file && \
		$(PACKAGE)/bin/python tools/smoke.py || exit 1; \
	done

lint: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed  ## speed and quality against the peers, in one run
	$(BIN)/python -m benchmarks

$(VENV)/docs-installed: $(VENV)/installed
	$(BIN)/$(PIP) install -e ".[docs]"
	touch $@

fuzz: $(VENV)/installed  ## hostile data, 20,000 combinations in some fifteen minutes
	$(BIN)/python tools/fuzz.py

docs: $(VENV)/docs-installed  ## the site, in docs/_build/html; SPHINXOPTS="-D plot_gallery=0" leaves the examples unexecuted
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky $(SPHINXOPTS) docs docs/_build/html

NOTEBOOK = examples/gallery/plot_00_csv_to_pipeline

notebook: $(VENV)/docs-installed  ## "From a CSV to a saved pipeline" as a Jupyter notebook, beside its script
	$(BIN)/sphinx_gallery_py2jupyter $(NOTEBOOK).py
	@echo $(NOTEBOOK).ipynb

pictures: $(VENV)/installed  ## the pictures of docs/pictures.md and docs/explaining.md, in docs/images, in a minute
	$(BIN)/python tools/pictures.py

calibration: $(VENV)/installed  ## simulation-based calibration, an hour; writes docs/tables/calibration.md
	$(BIN)/python -m benchmarks calibration

clean:
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info docs/_build docs/api docs/gallery docs/sg_execution_times.rst \
		examples/gallery/*.ipynb
