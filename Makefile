# The tasks of a developer, in one word each; `make help` lists them.
# PYTHON=/path/to/python3 chooses the interpreter when .venv is made, and does nothing once it is there
# (`make clean` removes it); without it one is found (scripts/find-python.sh).

VENV := .venv
BIN = $(VENV)/bin
GROUP := lint
SECONDS := 120
PYTHONS :=
NATIVE := hatch_build.py $(wildcard native/*/*.[ch]) $(wildcard generated/codetracer_bindings/*.[ch])

.DEFAULT_GOAL := help
.PHONY: help demo test test-all coverage generate check observe lint format sanitize fuzz stress suites bench docs vscode environment clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(BIN)/.ready-none ## record a small program, show what it did, and watch its exceptions as they happen
	@rm -rf build/demo
	$(BIN)/codetracer record -o build/demo examples/inventory.py
	$(BIN)/codetracer show --no-pager build/demo
	$(BIN)/codetracer show --no-pager build/demo --raises --variable total
	$(BIN)/codetracer watch --events raise,exception_handled examples/inventory.py

test: $(BIN)/.ready-test ## run the tests on one interpreter, except those marked slow and, without a network, those that need one
	scripts/test.sh $(BIN)/python

test-all: ## run the tests on every CPython >= 3.12 found, and on PYTHONS="path path"
	scripts/test-all.sh $(PYTHONS)

coverage: $(BIN)/.ready-test ## which lines and branches of the spec compiler and of everything that reads recordings their tests run; fails below the floor
	scripts/coverage.sh $(BIN)/python

generate: $(BIN)/.ready-test ## compile spec/ into generated/
	$(BIN)/python -m codegen generate

check: $(BIN)/.ready-test ## say whether generated/ is stale and whether the spec covers CPython
	$(BIN)/python -m codegen check

observe: $(BIN)/.ready-test ## write spec/observed/ from every CPython found, and from PYTHONS="path path"
	$(BIN)/python -m codegen observe $$(scripts/find-python.sh --all $(PYTHONS) | cut -d' ' -f2-)

lint: $(BIN)/.ready-lint ## ruff, black, mypy --strict, pyright
	$(BIN)/ruff check .
	$(BIN)/black --check --quiet --diff .
	$(BIN)/mypy
	$(BIN)/pyright

format: $(BIN)/.ready-lint ## let ruff and black mend what they can
	$(BIN)/ruff check --fix .
	$(BIN)/black --quiet .

sanitize: $(BIN)/.ready-test ## run the tests of what is in C over sanitized binaries
	scripts/sanitize.sh $(BIN)/python

fuzz: SECONDS := 1200
fuzz: $(BIN)/.ready-test ## random programs in every way; both engines, and snapshots; CPython's tests in every way; damaged recordings and indexes
	$(BIN)/python -m fuzz programs engines oracle modules recordings indexes --seconds $(SECONDS) \
		--python $$(scripts/find-python.sh --all $(PYTHONS) | cut -d' ' -f2-)

bench: $(BIN)/.ready-bench ## measure what the layer and the recorder cost, on every CPython found (minutes)
	$(BIN)/python benchmarks/dispatch.py $$(scripts/find-python.sh --all $(PYTHONS) | cut -d" " -f2-)
	$(BIN)/python -m benchmarks.record $$(scripts/find-python.sh --all $(PYTHONS) | cut -d" " -f2-)

stress: $(BIN)/.ready-test ## faults in tracers, and harsh programs recorded, for SECONDS=120; 1 at any difference
	$(BIN)/python -m tests.stress --seconds $(SECONDS)

suites: $(BIN)/.ready-test ## run ten suites from PyPI as they are and recorded, on PYTHONS="path path"
	$(BIN)/python -m tests.suites $(if $(PYTHONS),--python $(PYTHONS))

docs: $(BIN)/.ready-docs ## build the documentation into site/; warnings and broken links are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

vscode: ## test the extension for VS Code, and package it into editors/vscode/codetracer-python.vsix
	cd editors/vscode && npm ci --no-audit --no-fund && npm test && npm run package

environment: $(BIN)/.ready-$(GROUP)

clean: ## remove the environments and caches
	rm -rf .venv .venvs .mypy_cache .ruff_cache .pytest_cache .codegen_cache dist site

$(BIN)/python:
	@python=$$(scripts/find-python.sh) && echo "using $$python" && "$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip 2>&1 | grep -v ^WARNING || true

# The groups of pyproject.toml, installed beside the project itself.
$(BIN)/.ready-%: pyproject.toml $(NATIVE) | $(BIN)/python
	@echo "installing codetracer into $(VENV) ($* group)"
	@# What is used is compiled when it is imported: half of what is installed never is.
	@$(BIN)/python -m pip install --quiet --no-compile --editable . $(if $(filter none,$*),,--group $*)
	@$(BIN)/codetracer --version
	@touch $@
