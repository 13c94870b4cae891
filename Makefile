# All commands for people and scripts. `make` alone lists the targets.

# Prefers the distribution's Python if it is recent enough: unlike most from version managers, it is built with
# profile-guided optimisation, which saves a seventh of the suite's CPU time.
PYTHON3 ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/)python3
BIN := .venv/bin
PYTHON := $(BIN)/python
# Named after the lock's content, so that a checkout's file times do not matter.
VENV := .venv/.locked-$(shell cksum < requirements.lock | cut -d' ' -f1)
NODE := .build/node/.locked-$(shell cksum < tests/contract/package-lock.json | cut -d' ' -f1)
SOURCES := $(wildcard libs services stack cli bench deploy tests)
# Files run in the order of their paths; by number of tests, long ones with few tests would come last. There are more
# than twice as many workers as CI has CPUs, because the three with a stack wait for more than half of the time and the
# others for a fifth: with four workers, two CPUs were a quarter idle.
PYTEST_ARGS ?= -n 5 --dist=loadfile --no-loadscope-reorder -q
# Processes started by tests share compiled bytecode, whatever the shell's setting.
PYTEST := PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest

.DEFAULT_GOAL := help
.PHONY: help venv protos chromium npm node wrk up demo demo-data pictures test check explore bench bench-links bench-growth bench-collections bench-flood bench-floor bench-worst bench-remittances bench-imports bench-ledger bench-exports bench-reconciliation bench-month bench-losses bench-rollout bench-idle bench-console previous-release security tools chart cluster-test image lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV): requirements.lock
	@test -x $(PYTHON) || $(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON3=")'
	@test -x $(PYTHON) || $(PYTHON3) -m venv .venv
	@echo "Installing the locked dependencies into .venv"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@rm -f .venv/.locked-* && touch $@

venv: $(VENV)  ## the virtual environment, exactly as locked

protos: $(VENV)  ## the Python stubs of protos/, only when they changed
	@$(PYTHON) -m stack.contracts stubs

chromium:  ## Debian's headless Chromium for the browser tests, if missing
	@command -v chromium-headless-shell >/dev/null || { \
	  echo "Installing chromium-headless-shell"; \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends chromium-headless-shell >/dev/null; \
	} || { command -v chromium >/dev/null && echo "It cannot be had: the tests take chromium and more time"; }

npm:  ## Debian's Node.js with npm, if missing
	@command -v npm >/dev/null || { \
	  echo "Installing nodejs and npm"; \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends nodejs npm >/dev/null; }

$(NODE): | npm
	@echo "Installing the locked tools into .build/node"
	@mkdir -p .build/node && cp tests/contract/package.json tests/contract/package-lock.json tests/contract/.npmrc .build/node
	@cd .build/node && npm ci --silent --prefer-offline
	@rm -f .build/node/.locked-* && touch $@

node: $(NODE)  ## the locked tools that check the OpenAPI document

wrk:  ## Debian's load generator for the benchmark, if missing and available
	@command -v wrk >/dev/null || { \
	  echo "Installing wrk"; \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  { $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends wrk; } >/dev/null \
	  || echo "There is no wrk: the load is made in Python and takes more of the machine"; }

up: protos  ## start everything with a demo merchant; Ctrl-C stops it all
	@$(PYTHON) -m stack up

demo: protos  ## the main job with real requests, on its own stack or the running one
	@$(PYTHON) -m stack demo

demo-data: protos  ## a month of data worth looking at in the console, in the running stack or a new one
	@$(PYTHON) -m stack demo-data

pictures: protos chromium  ## the screenshots of the console in docs/images, from the shop that `make demo-data` left
	@$(PYTHON) -m stack.pictures

test: protos chromium node  ## all tests except those of `check`
	@$(PYTHON) -m compileall -q -j 2 -x /test_ $(SOURCES)
	@$(PYTEST) $(PYTEST_ARGS) --ignore=tests/tidy --ignore=tests/chart --ignore=tests/cluster

explore: protos  ## the property tests, with other examples than in `make test`
	@$(PYTEST) $(PYTEST_ARGS) -m hypothesis --hypothesis-profile=exploring --ignore=tests/cluster

check: protos tools  ## lint, format, types, contracts, the chart, and the tests of the code's rules
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/ruff format --quiet --check $(SOURCES)
	@$(BIN)/mypy
	@$(PYTHON) -m stack.contracts lint
	@$(PYTHON) -m stack.contracts breaking
	@$(PYTEST) -q tests/tidy tests/chart

bench: protos wrk  ## charges per second, latency and cost; bench/results/latest.json
	@$(PYTHON) -m bench

bench-links: protos  ## payment links made, opened and paid per second; bench/results/links.json
	@$(PYTHON) -m bench.links

bench-growth: protos  ## what lists and a charge cost with 10,000 and with 1,000,000 payments; bench/results/growth.json
	@$(PYTHON) -m bench.growth

bench-collections: protos  ## 10,000 instalments due on one day, while a worker is killed; bench/results/collections.json
	@$(PYTHON) -m bench.collections

bench-flood: protos  ## how one merchant's flood of requests affects another
	@$(PYTHON) -m bench.flood

bench-floor: protos wrk  ## what a one-click payment costs before any of Incasso's code runs
	@$(PYTHON) -m bench.floor

bench-worst: protos  ## how one caller's worst inputs affect all others
	@$(PYTHON) -m bench.worst_inputs

bench-remittances: protos  ## what a remittance file of 50,000 lines costs to read, match and book; bench/results/remittances.json
	@$(PYTHON) -m bench.remittances

bench-imports: protos  ## what it costs to import a bank statement of 64 MiB (MIB=1024: of a gigabyte); bench/results/imports.json
	@$(PYTHON) -m bench.imports

bench-ledger: protos  ## postings booked per second, and a trial balance of 10,000,000 entries; bench/results/ledger.json
	@$(PYTHON) -m bench.ledger

bench-reconciliation: protos  ## a run over 1,000,000 payments and as many lines, compared with a bare join; bench/results/reconciliation.json
	@$(PYTHON) -m bench.reconciliation

bench-month: protos  ## a month of 100,000 payments reconciles without exceptions, planted mistakes are found; bench/results/month.json
	@$(PYTHON) -m bench.month

bench-exports: protos  ## what exporting a list costs in each format; bench/results/exports.json
	@$(PYTHON) -m bench.exports

bench-losses: protos  ## PostgreSQL's primary and a NATS node are killed under load: pause, retries, nothing lost
	@$(PYTHON) -m bench.losses

bench-rollout: protos  ## every service restarted in turn under 50 requests/s: failures, retries, double charges
	@$(PYTHON) -m bench.rollout

bench-console: protos chromium  ## time to first paint of each console page, with 1,000,000 payments, links and entries of one merchant
	@$(PYTHON) -m bench.console

bench-idle: protos  ## memory and CPU time of the whole stack while idle
	@$(PYTHON) -m bench.idle

RELEASE ?= $(shell git describe --tags --abbrev=0 2>/dev/null || echo HEAD)

previous-release: protos  ## RELEASE's store and flow tests on the schema of this tree after its `pre` migrations
	@$(PYTHON) -m stack.previous_release $(RELEASE)

tools: $(VENV) npm  ## the pinned tools that check the chart, in .tools: Helm, kubectl, schemas, checkov
	@$(PYTHON) -m stack.tools

chart: protos tools  ## the chart's checks: three versions of Helm, seven of Kubernetes, policies
	@$(PYTEST) -q tests/chart

cluster-test: protos tools  ## a release's life on the cluster of the current kubeconfig (for its needs see tests/cluster/conftest.py)
	@$(PYTEST) -q -x -s --timeout 1800 tests/cluster

# Podman or Docker; IMAGE_ARGS adds local build options, e.g. --secret id=ca.crt,src=bundle.pem.
ENGINE ?= $(shell command -v podman || echo docker)
IMAGE ?= incasso:$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BASE_IMAGE ?= python:3.12-slim

image:  ## the container image; ENGINE=, IMAGE=, BASE_IMAGE=, IMAGE_ARGS=
	@$(ENGINE) build --build-arg BASE_IMAGE=$(BASE_IMAGE) --build-arg REVISION=$$(git rev-parse HEAD) \
	  --tag $(IMAGE) $(IMAGE_ARGS) .

security: protos  ## regenerates parts of docs/security.md, and the chart's processes, edges and VALUES.md
	@$(PYTHON) -m stack.security
	@$(PYTHON) -m stack.chart

LOCKED := --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

lock:  ## regenerates requirements.lock, the locks of deploy and both package-lock.json (needs the package indexes)
	@rm -rf .build/lock && $(PYTHON3) -m venv .build/lock
	@.build/lock/bin/pip install --quiet --disable-pip-version-check uv
	@.build/lock/bin/uv pip compile pyproject.toml --extra dev $(LOCKED) -o requirements.lock
	@.build/lock/bin/uv pip compile pyproject.toml -c requirements.lock $(LOCKED) -o deploy/image/runtime.lock
	@.build/lock/bin/uv pip compile deploy/image/build.in -c requirements.lock $(LOCKED) -o deploy/image/build.lock
	@.build/lock/bin/uv pip compile deploy/checkov/requirements.in $(LOCKED) -o deploy/checkov/requirements.lock
	@rm -rf .build/lock
	@for folder in tests/contract deploy/schemas; do (cd $$folder && npm install --package-lock-only --silent && $(PYTHON3) -c \
	  'import json; lock = json.load(open("package-lock.json")); [p.pop("funding", 0) for p in lock["packages"].values()]; \
	  print(json.dumps(lock, indent=2), file=open("package-lock.json", "w"))'); done

clean:  ## removes build output, the stack's data and the environment
	rm -rf .venv .build .incasso libs/pb .mypy_cache .ruff_cache .hypothesis
