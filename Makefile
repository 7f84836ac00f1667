# okd.registry: every command of the project. "make help" lists them; nothing needs to be set up before.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PARTS := .venv/bin/python tests/tools/parts.py
SANDBOX := tests/sandbox/sandbox
# What is run is the checkout: an installed copy of the collection would win over it.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.ansible/collections
unexport ANSIBLE_CONFIG

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make .venv/ and install the Debian packages that are missing (done by all others)
	@tests/tools/setup-apt $(wildcard tests/tools/apt-packages.txt tests/sandbox/build/apt-packages.txt)
	@tests/tools/setup-venv

.PHONY: demo
demo: setup ## Start the sandbox, a real three-node cluster, and run site.yml on it
	@$(SANDBOX) up
	@$(SANDBOX) run -- .venv/bin/ansible-playbook -i inventory/sandbox/hosts.yml playbooks/site.yml

.PHONY: test
test: setup ## Every test: lint, sanity, unit tests, then the scenarios on the sandbox
	@$(PARTS) lint sanity unit files api scenarios

.PHONY: lint
lint: setup ## All linters: ansible-lint, yamllint, ruff, mypy, vermin, shellcheck and more
	@$(PARTS) lint

.PHONY: sanity
sanity: setup ## ansible-test sanity on a copy of what goes into the artefact
	@$(PARTS) sanity

.PHONY: unit
unit: setup ## Unit and contract tests
	@$(PARTS) unit

.PHONY: files
files: setup ## 5 000 generated files of each format that has insecure flags, against their real readers
	@$(PARTS) files

.PHONY: api
api: setup ## Tests of the modules against a real API server, started for them alone
	@$(PARTS) api

.PHONY: molecule
molecule: setup ## All scenarios on the sandbox, or one: make molecule SCENARIO=site
	@$(PARTS) $(if $(SCENARIO),$(addprefix scenario:,$(SCENARIO)),scenarios)

BENCHES := .venv/bin/python tests/bench/bench.py
WITHOUT_SANDBOX := trust_many storage
.PHONY: bench
bench: setup ## Measure on the sandbox and write docs/benchmarks.md, or one: make bench BENCH=deploy
	@$(if $(filter-out $(WITHOUT_SANDBOX),$(or $(BENCH),all)),$(SANDBOX) up,true)
	@$(if $(filter-out $(WITHOUT_SANDBOX),$(or $(BENCH),all)),$(SANDBOX) run -- )$(BENCHES) $(BENCH)

.PHONY: sandbox-up
sandbox-up: setup ## Build (or take from the cache) and start the sandbox; quick when it runs already
	@$(SANDBOX) up

.PHONY: sandbox-down
sandbox-down: setup ## Stop the sandbox and remove everything it made on this machine
	@$(SANDBOX) down

.PHONY: sandbox-reset
sandbox-reset: setup ## Put the running sandbox back to its first state: cluster, nodes, registry data
	@$(SANDBOX) reset

.PHONY: sandbox-check
sandbox-check: setup ## Say whether every part of the sandbox works
	@$(SANDBOX) check

.PHONY: format
format: setup ## Format all Python and mend what ruff can mend
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

.PHONY: build
build: setup ## The collection's artefact, into dist/
	@.venv/bin/ansible-galaxy collection build --force --output-path dist

.PHONY: clean
clean: ## Remove what tests and builds leave in the checkout; sandbox and .venv/ stay
	@rm -rf dist tests/output .hypothesis .mypy_cache .pytest_cache .ruff_cache .ansible
