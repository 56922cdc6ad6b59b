# Two commands matter: `make demo` and `make test`. Everything they need they set up themselves.
# `make` alone prints the menu.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := .uv/bin/uv
WORKERS ?= 2
# uv must neither fetch a Python of its own nor read a lock that names an index.
export UV_PYTHON_DOWNLOADS := never
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.DEFAULT_GOAL := help
.PHONY: help install demo smoke test lint format bench soak dashboards lock clean

help:  ## what one can do here
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv

$(VENV)/.runtime: requirements.lock pyproject.toml | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.runtime  ## only the environment, in .venv

demo: $(VENV)/.runtime  ## watch a simulated SendGrid account arrive in Postgres, in the Dagster UI
	@$(BIN)/sendgrid-orchestration demo

smoke: $(VENV)/.runtime  ## the demo's pipeline once through, headless; ends with a JSON line of counts
	@$(BIN)/sendgrid-orchestration smoke

test: $(VENV)/.dev  ## every test, on real Postgres, real HTTP, real Dagster runs, real dbt builds
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev  ## style, types, layers and SQL
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfmt --check dbt_project
	@cd dbt_project && ../$(BIN)/dbt --quiet parse && ../$(BIN)/dbt-bouncer run --config-file dbt-bouncer.yml

format: $(VENV)/.dev  ## format Python and SQL
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/sqlfmt dbt_project

bench: $(VENV)/.dev  ## print the benchmark table, write benchmarks/results.json
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.dev  ## the fault tests at length, then tables, loader and models on each version of Postgres
	@SOAK=1 $(BIN)/python -m pytest --timeout 3600 tests/fault $(ARGS)
	@SOAK=1 $(BIN)/python -m tests.support.postgres_versions

dashboards: $(VENV)/.runtime  ## the dashboards in Superset, over what is in the warehouse
	@$(BIN)/python -m dashboards $(ARGS)

lock: | $(UV)  ## resolve the hashed locks again: two from pyproject.toml, one for the dashboards
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ARGS) pyproject.toml -o requirements.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ARGS) pyproject.toml --group dev -o requirements-dev.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(ARGS) dashboards/requirements.in -o dashboards/requirements.lock

clean:  ## remove the environments and the demo's data
	@rm -rf $(VENV) .uv .data dashboards/.venv dbt_project/target dbt_project/logs
