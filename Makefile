# From a machine with Python 3.11 and pip to a running service (`make demo`) and to every test (`make test`).
# One environment, .venv, serves all targets. It is made once, from the locked and hashed requirements, and made anew
# when they change.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
PIP := $(RUN) pip --disable-pip-version-check --quiet --quiet
TEST_PROCESSES ?= 2
COMPILE := pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test soak lint check docs bench-enquiry bench-authentication bench-log bench-matching fuzz lock
.DEFAULT_GOAL := help

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '%-22s %s\n' "$$name" "$$what"; done

demo: $(READY) ## A running service with a synthetic register that has answered one of everything
	@$(RUN) registry_api.cli demo

test: $(READY) ## Every test
	$(RUN) pytest -n $(TEST_PROCESSES) --dist loadgroup -ra

fuzz: $(READY) ## Many made-up calls of every operation, other ones each time; how many in FUZZ_EXAMPLES
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),500) $(RUN) pytest -o timeout=3600 tests/integration/test_every_operation.py

soak: $(READY) ## Kill processes and PostgreSQL under enquirers, other ones each time; SOAK_SECONDS (600) and SOAK_SEED
	SOAK_SECONDS=$(or $(SOAK_SECONDS),600) SOAK_SEED=$(or $(SOAK_SEED),$(shell date +%s)) \
		$(RUN) pytest tests/journeys/test_log_crash.py

lint: $(READY) ## Every check that is no test: style, types, imports, generated documents
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(VENV)/bin/lint-imports
	$(RUN) tests.house.generate --check

check: lint test ## All checks and all tests

docs: $(READY) ## Write the generated documents anew
	$(RUN) tests.house.generate

bench-enquiry: $(READY) ## What an enquiry costs, beside the same SQL without us; options in BENCH
	$(RUN) bench.enquiry $(BENCH)

bench-authentication: $(READY) ## What it costs to know who is asking and whether they may; options in BENCH
	$(RUN) bench.authentication $(BENCH)

bench-log: $(READY) ## What the access log costs an enquiry, and by itself; options in BENCH
	$(RUN) bench.log $(BENCH)

bench-matching: $(READY) $(VENV)/.ready-matching ## Who is found, beside Splink, pg_trgm and a cascade; options in BENCH (--fast)
	$(RUN) bench.matching $(BENCH)

lock: ## Lock the requirements anew; UPGRADE=--upgrade takes newer releases
	$(PYTHON) -m venv .state/lock
	.state/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	.state/lock/bin/uv $(COMPILE) $(UPGRADE) --output-file requirements.lock
	.state/lock/bin/uv $(COMPILE) $(UPGRADE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	.state/lock/bin/uv $(COMPILE) $(UPGRADE) --extra bench-matching --constraint requirements-dev.lock --output-file bench/matching/requirements.lock

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed." if sys.version_info < (3, 11) else 0)'
	@echo "Installing into $(VENV) (once; a minute or so) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(VENV)/.ready-matching: $(READY) bench/matching/requirements.lock
	@echo "Installing what matching is compared with into $(VENV) (once; a minute or so) ..."
	@$(PIP) install --require-hashes --requirement bench/matching/requirements.lock
	@touch $@
