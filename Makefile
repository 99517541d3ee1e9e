# make run    watch a till sell, lose its server and deliver everything (FOR=60s ends by itself)
# make test   the gate: lint, types, layers, tests, coverage
# make setup  .venv with tillwire and pinned dependencies
# make bench  measure; the table goes to build/benchmarks.json too (ONLY=metrics for some)
# make soak   the fault programs, TIMES=10 as long, and the whole storm of kills and faults
# make windows  the same code on Windows's own Python, under wine (ONLY=tests/windows for some)
# make dist   dist/tillwire-VERSION-windows-x64.zip, which holds its own Python
# make reference  renew machines/schemas and docs/reference.md from the models
# make dashboards  renew metrics/dashboards/en and fr from the shipped machine
# make clean  remove what the above made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install -qq --constraint constraints.txt --editable
AXE := build/axe/node_modules/axe-core/axe.min.js
MERMAID := build/mermaid/node_modules/mermaid/dist/mermaid.min.js
TIMES ?= 10
WORKERS ?= 2

# Where Python may not keep what it has compiled, each process that a test starts compiles all anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-setup lint bench soak windows dist reference dashboards constraints clean

help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(VENV)/.run

run: setup
	@$(BIN)/tillwire demo $(if $(FOR),--for $(FOR))

# What measures time goes first, by itself. Of the rest a file goes to one worker as a whole, since
# what is dear is started once for it; those that wait most come first, as the folders stand.
test: lint
	@marker="$$(date +%s)-$$$$"; status=0; export TILLWIRE_TEST_RUN="$$marker"; \
	$(BIN)/python -m pytest tests/acceptance -m alone || status=$$?; \
	$(BIN)/python -m pytest -m 'not alone' --cov --cov-report=term \
	  --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder || status=$$?; \
	$(BIN)/python tests/leftovers.py "$$marker" || status=1; \
	exit $$status

lint: test-setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: test-setup
	$(BIN)/python tests/benchmarks/run_all.py $(ONLY)

# The tests under tests/faults multiply their rounds by TILLWIRE_TIMES.
soak: test-setup
	TILLWIRE_TIMES=$(TIMES) $(BIN)/python -m pytest tests/faults -o timeout=0
	$(BIN)/python tests/faults/power_cut.py --runs $$((8 * $(TIMES)))
	$(BIN)/python -m tests.faults.delivery --server dedup --protocol rest
	$(BIN)/python -m tests.faults.delivery --server status --protocol soap
	$(BIN)/python -m tests.faults.messages --kills 100
	$(BIN)/python -m tests.faults.asking --calls 10000
	$(BIN)/python -m tests.faults.loads --damaged 500 --rounds 200 --kills 100 --full 20
	$(BIN)/python -m tests.faults.saves --saves $$((200 * $(TIMES) / 10))
	$(BIN)/python -m tests.faults.ftp --rounds $$((20 * $(TIMES)))
	$(BIN)/python -m tests.faults.catalogue_kill --kills 100 --power $$((8 * $(TIMES)))

# Debian's packages, CPython for Windows and its wheels come with the first run.
windows: $(VENV)/.test
	tests/windows/run $(ONLY)

dist: setup
	release/windows/build

test-setup: $(VENV)/.test $(AXE) $(MERMAID)
	@command -v promtool >/dev/null || .ci/debian prometheus
	@command -v amtool >/dev/null || .ci/debian prometheus-alertmanager
	@command -v chromium >/dev/null || .ci/debian chromium fonts-dejavu-core
	@command -v systemd-analyze >/dev/null || .ci/debian systemd
	@command -v vsftpd >/dev/null || .ci/debian vsftpd
	@$(BIN)/python -c 'import pyodbc' 2>/dev/null || .ci/debian libodbc2 libodbcinst2 libgssapi-krb5-2
	@ls /usr/lib/*/odbc/libsqlite3odbc.so /usr/lib/*/odbc/libtdsodbc.so >/dev/null 2>&1 \
	  || .ci/debian libsqliteodbc tdsodbc odbcinst

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "tillwire needs Python 3.11 or later; $(PYTHON) is not that." \
	    "Say which is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/debian python3-venv
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing tillwire and what it needs into $(VENV) ..."
	@$(INSTALL) .
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing what the tests need into $(VENV) ..."
	@$(INSTALL) '.[test]'
	@touch $@ $(VENV)/.run

# Looks for faults of accessibility in the page.
$(AXE): Makefile
	@command -v npm >/dev/null || .ci/debian npm
	@npm install --silent --no-save --no-audit --no-fund --prefix build/axe axe-core@4.14.1
	@touch $@

# Draws what `tillwire diagram` makes.
$(MERMAID): Makefile
	@command -v npm >/dev/null || .ci/debian npm
	@npm install --silent --no-save --no-audit --no-fund --prefix build/mermaid mermaid@11.17.2
	@touch $@

# The page is complete before it takes the place of the old one.
reference: setup
	@mkdir -p build
	$(BIN)/tillwire schema --write machines/schemas
	$(BIN)/tillwire schema --reference > build/reference.md
	mv build/reference.md docs/reference.md

dashboards: test-setup
	for language in en fr; do \
	  $(BIN)/tillwire dashboard --language $$language --out metrics/dashboards/$$language; \
	done

# Takes the newest versions that pyproject.toml allows and pins them.
constraints:
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip --disable-pip-version-check install --quiet '.[test]'
	build/constraints/bin/python -m pip freeze --exclude tillwire | LC_ALL=C sort -f > constraints.txt

clean:
	rm -rf $(VENV) build dist demo demo-[0-9]* .coverage .coverage.* .mypy_cache .ruff_cache \
	  .import_linter_cache .pytest_cache .hypothesis
	find engine metrics tests -name __pycache__ -type d -prune -exec rm -rf {} +
