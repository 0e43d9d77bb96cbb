# Stepwell. Every target sets up what it needs: Python 3.11 or newer, Node 20 or newer and make are
# enough. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

python := .venv/bin/python
uv := .venv/bin/uv
say := $(if $(MAKE_TERMOUT),printf '\033[2m· %s\033[0m\n',printf '· %s\n')

# The project's own environment counts, not what the user's home adds to it.
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

# jsii prints a banner about every Node that is past its end of life.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

# uv trusts what pip trusts: the machine's certificates, where there are any.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS ?= true
endif

# Caches normally lie in the home directory, which a build container may lack.
ifneq ($(shell test -n "$$HOME" -a -w "$$HOME" && echo writable),writable)
export UV_CACHE_DIR := $(CURDIR)/.build/uv-cache
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.build/jsii-cache
export npm_config_cache := $(CURDIR)/.build/npm-cache
endif

# What the CloudFormation templates are made from; and for which stage. The list is kept as a file, so
# that a journey whose folder is gone is noticed as well.
STAGE ?= local
export STAGE
synth_inputs := $(shell find infra functions layers/stepwell statemachines events/schemas docs/openapi.json cdk.json \
	requirements/runtime.txt -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' 2>/dev/null)

.PHONY: help run test agreement fuzz check lint types imports journeys events scenarios description synth idle sdks cdk browser bench format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile
	printf '\n  %s\n' 'make run takes PORT=8080 SPEED=60 REPLAY=<folder|file|none> KEEP=0 POLICIES=<file>; see docs/local.md'

run: STAGE := local
run: synth ## start Stepwell on http://localhost:8080, replay real orders, show every decision
	@exec $(python) -m infra.local

test: check sdks cdk browser ## everything that has to pass: the checks, then all tests
	@$(say) 'running the tests'
	$(python) -m pytest -n 2 --dist loadfile -rs  # tells of what was skipped, and why

# Always new cases: the seed that is printed makes them again, `make agreement SEED=…`.
agreement: SEED := $(shell date +%s)
agreement: .venv/.project ## hold the simulator to moto in 400 generated cases; takes SEED=
	@$(say) 'comparing the simulator with moto, SEED=$(SEED)'
	HYPOTHESIS_PROFILE=nightly AGREEMENT_SEED=$(SEED) $(python) -m pytest tests/agreement -n 2 \
	  -o faulthandler_timeout=1800  # making a case that differs smaller takes its time

# Always new calls: the seed that is printed makes them again, `make fuzz SEED=…`.
fuzz: SEED := $(shell date +%s)
fuzz: .venv/.project ## send 1,000 made-up calls to each path of the API; takes SEED=
	@$(say) 'making calls from the description, SEED=$(SEED)'
	FUZZ_EXAMPLES=1000 $(python) -m pytest tests/fuzz -n 2 --hypothesis-seed=$(SEED) -o faulthandler_timeout=1800

check: lint types imports journeys events description synth ## style, types, import rules, journeys and their scenarios, events, the API's description, templates

lint: .venv/.project
	@$(say) 'style: ruff'
	.venv/bin/ruff check --quiet
	.venv/bin/ruff format --check --quiet || { echo 'Some files are not formatted: make format' >&2; exit 1; }

types: .venv/.project
	@$(say) 'types: mypy --strict'
	.venv/bin/mypy --no-error-summary

imports: .venv/.project
	@$(say) 'import rules: import-linter'
	PYTHONPATH=. .venv/bin/lint-imports --no-logo > .build/imports.log || { cat .build/imports.log >&2; exit 1; }

journeys: scenarios
	@$(say) 'journeys: problems, and drift of the compiled state machines'
	.venv/bin/stepwell check
	.venv/bin/stepwell compile --check

events: .venv/.project
	@$(say) 'events: what a change of the registry would break'
	.venv/bin/stepwell events check
	.venv/bin/stepwell events docs --check

description: .venv/.project
	@$(say) "the API's description: drift"
	.venv/bin/stepwell openapi --check

scenarios: .venv/.project ## what the journeys have to do; `stepwell test` shows more
	@$(say) 'scenarios: what the journeys have to do'
	mkdir -p .build
	.venv/bin/stepwell test > .build/scenarios.log || { grep -v '^ok' .build/scenarios.log || true; exit 1; }
	tail -n 1 .build/scenarios.log

synth: .build/synth ## write the CloudFormation templates to cdk.out/

idle: .build/synth ## print what the stage costs a month while nothing happens
	@$(python) -m infra.idle_cost

# The lock names no addresses: packages come from the registry that npm is set up for.
sdks: tests/sdks/node_modules/.package-lock.json tests/browser/node_modules/.package-lock.json

tests/%/node_modules/.package-lock.json: tests/%/package-lock.json
	@$(say) "installing what tests/$* needs from npm"
	cd tests/$*
	npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error > /dev/null
	touch node_modules/.package-lock.json

cdk: node_modules/.package-lock.json ## see to the CDK's command line, as package-lock.json has it

node_modules/.package-lock.json: package-lock.json
	@$(say) "installing the CDK's command line from npm (30 MB on disk)"
	npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error > /dev/null
	touch $@

# Without the stamp it is tried again: that it could not be had is no failure here, the tests say so.
browser: .build/browser.stamp ## see to it that there is a browser for tests; CHROME_PATH= names one

.build/browser.stamp: tests/browser/chromium/package-lock.json .venv/.project
	@$(say) 'looking for a browser for tests (70 MB to load, 200 MB on disk)'
	$(python) -m tests.support.browsers

bench: .build/synth ## measure against the budgets, and keep the history in .bench/
	@$(python) -m tests.bench $(ARGS)

format: .venv/.project ## put the source in its uniform shape
	@.venv/bin/ruff check --quiet --fix-only
	.venv/bin/ruff format

clean: ## remove everything that make has made, except .bench/
	@rm -rf .venv .build cdk.out node_modules tests/{sdks,browser}/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name '*.egg-info' -prune -exec rm -rf {} +

.build/synth-inputs: FORCE
	@mkdir -p .build
	printf '%s\n' 'stage $(STAGE)' $(synth_inputs) > $@.new
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

.PHONY: FORCE
FORCE:

.build/synth: .venv/.project .build/synth-inputs $(synth_inputs)
	@$(say) 'writing the CloudFormation templates to cdk.out/'
	CDK_OUTDIR='$(CURDIR)/cdk.out' $(python) -m infra.app
	touch $@

# The environment is made anew when a lock file changes; the stamps live and die with it.
.venv/.packages: requirements/bootstrap.txt requirements/development.txt
	@python=''
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	    python="$$candidate"; break
	  fi
	done
	[ -n "$$python" ] || { echo 'Stepwell needs Python 3.11 or newer as python3 on the PATH.' >&2; exit 1; }
	node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null \
	  || { echo 'Stepwell needs Node 20 or newer as node on the PATH: the AWS CDK runs in it.' >&2; exit 1; }
	$(say) "setting up .venv with $$("$$python" --version), first use only"
	[ -x $(python) ] || "$$python" -m venv .venv
	mkdir -p .build
	$(say) 'installing uv'
	$(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(say) 'installing the locked packages (about 650 MB on disk)'
	$(uv) pip sync --quiet --python $(python) --require-hashes requirements/bootstrap.txt requirements/development.txt
	touch $@

.venv/.project: .venv/.packages pyproject.toml
	@$(say) 'installing Stepwell itself, editable'
	$(uv) pip install --quiet --python $(python) --offline --no-deps --no-build-isolation --editable .
	mkdir -p .build
	touch $@
