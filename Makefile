PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
POLICY_VENV := policy/.venv
VERSIONS := build/versions
STACK ?= mistral deepseek
# Files stay in the order of pytest.ini and tests/conftest.py. `make test test-slow` is one run, which starts the control
# planes once.
PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help up demo preview down status kubeconfig chat test test-slow test-gateway test-examples test-kind test-unit test-versions bench bench-clients bench-all lint format catalogue docs schema sbom dist release-check lock versions-lowest versions-newest

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

up: $(VENV)/.installed ## Start the local control plane and `pulumi up` on it (STACK=mistral: one stack; GATEWAY=kgateway: with a gateway)
	@$(BIN)/python -m local up $${GATEWAY:+--gateway "$$GATEWAY"} $(STACK)

demo: $(VENV)/.installed ## Start a small provider, and deploy a stack that leads to it: no key, no cluster (GATEWAY=agentgateway)
	@$(BIN)/python -m local demo $${GATEWAY:+--gateway "$$GATEWAY"}

preview: $(VENV)/.installed ## Show what `make up` would change
	@$(BIN)/python -m local preview $(STACK)

down: $(VENV)/.installed ## Destroy the stacks and stop the local control plane
	@$(BIN)/python -m local down

status: $(VENV)/.installed ## Show what runs and what is deployed
	@$(BIN)/python -m local status

kubeconfig: $(VENV)/.installed ## Print the line that points kubectl at the local control plane
	@$(BIN)/python -m local kubeconfig

chat: $(VENV)/.installed ## Ask a deployed provider through its gateway (STACK=mistral GATEWAY_URL=http://... SHARED=1 PROMPT="...")
	@$(BIN)/python -m local chat $${STACK:+--stack "$$STACK"} $${SHARED:+--shared} \
	  $${GATEWAY_URL:+--gateway-url "$$GATEWAY_URL"} $(OPTIONS) $${PROMPT:+-- "$$PROMPT"}

test: $(VENV)/.installed ## Run the tests (TESTS=tests/unit: those of a folder or file, slow ones included)
	@$(PYTEST) $(or $(TESTS),$(if $(filter test-slow,$(MAKECMDGOALS)),,-m "not slow"))

test-slow: $(VENV)/.installed ## Run the tests that take long: servers killed, all stacks, every fault, further pages
	@$(if $(filter test,$(MAKECMDGOALS)),true,$(PYTEST) -m slow)

test-gateway: $(VENV)/.installed ## Run the tests on the real gateways (needs their programs: docs/gateway.md)
	@$(BIN)/python -m pytest --numprocesses 4 --dist load --maxschedchunk 1 $(or $(TESTS),tests/gateway --ignore tests/gateway/make_up --ignore tests/gateway/examples)
	@$(if $(TESTS),true,$(BIN)/python -m pytest tests/gateway/make_up)

test-examples: $(VENV)/.installed ## Run each of examples/ and templates/ on the real gateways
	@$(BIN)/python -m pytest --numprocesses 3 --dist load tests/gateway/examples

test-kind: $(VENV)/.installed ## Run the tests on a cluster with a gateway in it, such as kind (GATEWAY_API=kgateway)
	@$(BIN)/python -m pytest tests/kind

test-unit: $(VENV)/.installed ## Run the unit tests, which need no binary
	@$(BIN)/python -m pytest tests/unit

test-versions: $(VENV)/.installed ## Run the unit and contract tests with the lowest and the newest Python and pulumi
	@$(BIN)/python -m tools.versions
	@$(MAKE) --no-print-directory --keep-going versions-lowest versions-newest

bench: $(VENV)/.installed ## Compare what a program takes with the component and without it (takes three minutes)
	@$(BIN)/python -m bench

bench-clients: $(VENV)/.installed ## Measure what clients add with the engine (takes three minutes)
	@$(BIN)/python -m bench --clients

bench-all: $(VENV)/.installed ## Measure that and what everything takes with the engine, and write docs/benchmark.md (takes a quarter of an hour)
	@$(BIN)/python -m bench --page docs/benchmark.md

lint: $(VENV)/.installed $(POLICY_VENV)/.installed ## Check style, types, imports, workflows and scripts, and that the schema breaks no program
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/mypy --config-file policy/mypy.ini
	@$(BIN)/python -m tools.schema_changes
	@$(BIN)/shellcheck --shell bash .ci/run $$(find examples -name '*.sh')
	@$(BIN)/python -m tools.go -C tools/actionlint tool actionlint -shellcheck $(CURDIR)/$(BIN)/shellcheck \
	  $(wildcard $(CURDIR)/.github/workflows/*.yml $(CURDIR)/examples/*/.github/workflows/*.yml)

format: $(VENV)/.installed ## Put the code into the project's style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

catalogue: $(VENV)/.installed ## Print the providers that have a preset
	@$(BIN)/python -m tools.catalogue

docs: $(VENV)/.installed ## Write the generated parts of docs/ anew (arguments, outputs, providers, the dashboard)
	@$(BIN)/python -m tools.pages

schema: $(VENV)/.installed ## Write components/schema.json anew, and the version of the policy pack
	@$(BIN)/python -m tools.schema

sbom: $(VENV)/.installed $(POLICY_VENV)/.installed ## Write the software bill of materials, build/sbom.cdx.json
	@$(BIN)/python -m tools.sbom build/sbom.cdx.json

dist: $(VENV)/.installed ## Build what is released into build/: the wheel, the sdist, the plugin and the templates
	@cd components && ../$(BIN)/python -m hatchling build --directory ../build
	@$(BIN)/python -m tools.release_files build

release-check: $(VENV)/.installed ## Say what is missing for a release
	@$(BIN)/python -m tools.release

lock: $(VENV)/.installed ## Write requirements*.txt anew from requirements*.in
	@for name in requirements requirements-dev policy/requirements; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate $$name.in -o $$name.txt; done

# With all else that the tests need in the locked versions. Those of a release have no versions to run with.
versions-lowest: RESOLUTION := lowest-direct
versions-newest: RESOLUTION := highest
versions-lowest versions-newest: versions-%: $(VENV)/.installed
	@python=$$($(BIN)/python -m tools.versions $*) && $(BIN)/uv venv --quiet --clear --python "$$python" $(VERSIONS)/$*
	@$(BIN)/uv pip install --quiet --python $(VERSIONS)/$* --require-hashes --requirement requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(VERSIONS)/$* --upgrade --resolution $(RESOLUTION) --requirement components/pyproject.toml
	@echo "$*: $$($(VERSIONS)/$*/bin/python --version)" $$($(BIN)/uv pip freeze --quiet --python $(VERSIONS)/$* | grep '^pulumi[=-]')
	@$(VERSIONS)/$*/bin/python -m pytest --numprocesses 2 --dist loadfile tests/unit tests/contract tests/e2e/test_plugin.py \
	  --ignore tests/contract/test_distribution.py --ignore tests/contract/test_sbom.py

$(VENV)/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Installing the Python packages into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements-dev.txt
	@touch $@

# Of its own, as pulumi-policy and the rest can't agree on a version of protobuf.
$(POLICY_VENV)/.installed: policy/requirements.txt $(VENV)/.installed
	@echo "Installing the policy pack's Python packages into $(POLICY_VENV) ..."
	@$(PYTHON) -m venv --clear $(POLICY_VENV)
	@$(BIN)/uv pip install --quiet --python $(POLICY_VENV)/bin/python --require-hashes --requirement policy/requirements.txt
	@touch $@
