# Everything happens in .venv; the stamp is renewed when what should be installed changes.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test coverage check bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	-$(BIN)/python -m pip install --quiet --constraint constraints.txt --group servers
	@touch $@

demo: $(INSTALLED) ## scan a deliberately weak web server on this machine
	@$(BIN)/rookery --data-dir .demo demo

test: $(INSTALLED) ## run all tests
	$(BIN)/python -m pytest --numprocesses 2

coverage: $(INSTALLED) ## run all tests and say which lines none of them reaches; takes twice as long
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term

check: $(INSTALLED) ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT=1 $(BIN)/pyright
	$(BIN)/lint-imports --no-cache

bench: $(INSTALLED) ## measure every performance claim; prints ratios
	$(BIN)/python -m benchmarks

docs: $(INSTALLED) ## write the reference pages that come from the code
	$(BIN)/python -m scripts.reference

clean: ## remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* build dist
