# Commands for daily use. The first command installs what it needs; `make` without arguments lists all commands.
# Project code runs on the Node.js version that package.json pins (node_modules/.bin), not on the version of the machine.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Without npx between them, so that a signal to make reaches the program.
NODE := node_modules/.bin/node
LOCAL := @$(NODE) local/cli.ts
LOAD := @$(NODE) load_test/cli.ts

# Passed to the commands through the environment, so that any character is allowed.
export FILE OPS ID N SLOTS SERVICE JOB COUNT REPEATS WORKERS_LIST SEED JOBS SECONDS SCENARIO PART LONG WRITE

# Node's compile cache: services and commands start in half to two thirds of the time.
export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.cache/compiled

.PHONY: help demo up down ps logs scale stop-worker kill-worker start-worker monitor performance upload status replay republish load-bulk load-burst load-capacity analyze experiment-1 experiment-2 experiment-3 experiment-workers test test-compose test-compose-cluster check bench bench-peers chaos fuzz doctor clean setup install

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

demo: setup ## start the system and process the test images
	$(LOCAL) demo

up: setup ## start the system, with Docker if available (RUNTIME=compose|local)
	$(LOCAL) up

down: setup ## stop the system; images and queues are kept
	$(LOCAL) down

ps: setup ## list all services and their state
	$(LOCAL) ps

logs: setup ## follow the logs of all services, or of one (SERVICE=worker); JOB=id: find all lines of a job
	$(LOCAL) logs "$$SERVICE" "$$JOB"

scale: setup ## set the number of workers (N=3) and of jobs per worker (N=3 SLOTS=1)
	$(LOCAL) scale "$$N" "$$SLOTS"

stop-worker: setup ## stop one worker after its current jobs
	$(LOCAL) stop-worker

kill-worker: setup ## kill one worker with SIGKILL, like a crash; its jobs are redelivered
	$(LOCAL) kill-worker

start-worker: setup ## restart the stopped worker, or add one
	$(LOCAL) start-worker

monitor: setup ## live view of queues, rates and workers (q to quit)
	$(LOCAL) monitor

performance: setup ## live view of throughput, latency, utilization and failures
	$(LOCAL) performance

upload: setup ## upload an image (FILE=photo.jpg OPS=resize; default: the sample)
	$(LOCAL) upload "$$FILE" "$$OPS"

status: setup ## show the status of a job (ID=…; default: the newest)
	$(LOCAL) status "$$ID"

replay: setup ## replay a failed job (ID=…)
	$(LOCAL) replay "$$ID"

republish: setup ## republish jobs whose message was lost (ID=…; default: all of them)
	$(LOCAL) republish "$$ID"

load-bulk: setup ## load test: many images as fast as possible (COUNT=100 WORKERS=3 IMAGES=folder)
	$(LOAD) load-bulk

load-burst: setup ## load test: bursts, and how fast the queue recovers (BURST=50 INTERVAL=5 ROUNDS=3)
	$(LOAD) load-burst

load-capacity: setup ## load test: increase the upload rate until it saturates (RATE=2 FACTOR=1.25 LIMIT=10)
	$(LOAD) load-capacity

analyze: setup ## analyze the load test results: a table and an HTML report
	@$(NODE) load_test/analyze_results.ts

experiment-1: setup ## guided experiment: stop and kill workers; no job is lost
	$(LOAD) experiment-1

experiment-2: setup ## guided experiment: how the queue absorbs bursts of images (needs k6)
	$(LOAD) experiment-2

experiment-3: setup ## guided experiment: replay and discard a dead letter
	$(LOAD) experiment-3

experiment-workers: setup ## compare 1, 2, 3 and 5 workers (needs k6; COUNT=100 REPEATS=3 WORKERS_LIST=1,2 SEED=42)
	$(LOAD) experiment-workers "$$COUNT" "$$REPEATS" "$$WORKERS_LIST" "$$SEED"

test: setup ## run all tests with their own RabbitMQ
	@$(NODE) local/cli.ts install-rabbitmq && $(NODE) local/cli.ts install-prometheus && $(NODE) local/cli.ts install-chromium && exec $(NODE) node_modules/.bin/vitest run

test-compose: setup ## test docker-compose.yml from a fresh clone, with the tasks of the seminar
	@$(NODE) local/compose-test/main.ts

test-compose-cluster: setup ## test the cluster: kill each of its three RabbitMQ nodes in turn
	@$(NODE) local/compose-test/main.ts cluster

check: setup ## check types, lint, API documents and format
	@npm run check --silent

bench: setup ## measure throughput, CPU time and latency as ratios (PART=engines,system LONG=1)
	@$(NODE) local/cli.ts install-rabbitmq && exec $(NODE) load_test/bench/main.ts

bench-peers: setup ## compare with three systems built on FastAPI and Express (needs Python, Redis and npm)
	@$(NODE) local/cli.ts install-rabbitmq && exec $(NODE) load_test/peers/main.ts

chaos: setup ## inject faults and verify that no job is lost (SCENARIO=storm SEED=42 JOBS=500 SECONDS=120)
	@$(NODE) local/cli.ts install-rabbitmq && $(NODE) local/cli.ts install-faketime && exec $(NODE) load_test/chaos/main.ts

fuzz: setup ## send damaged images through the pipeline (SECONDS=60; SEED=42 repeats a run)
	@$(NODE) local/cli.ts install-rabbitmq && exec $(NODE) load_test/fuzz/main.ts

doctor: setup ## check Docker, ports, disk and services, and print how to fix problems
	$(LOCAL) doctor

clean: setup ## stop the system and remove its images, queues and logs
	$(LOCAL) clean

# Installs the packages of package-lock.json when that file has changed.
STAMP := node_modules/.installed-package-lock.json
NPM_QUIETLY := --no-audit --no-fund --loglevel=error
# Without a network, npm would retry for minutes: one small request shows whether the registry responds. If it does not, the
# cache of npm may have all packages.
NPM_ONCE := --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=10000 --loglevel=error
NO_REGISTRY = printf '%s\n' "The npm registry ($$(npm config get registry)) does not respond. Check the network and the proxy (HTTPS_PROXY), then run the same command again. npm says:" "$$(echo "$$problem" | sed -n '/code\|reason/p')" >&2
setup:
	@cmp -s package-lock.json $(STAMP) || $(MAKE) install
	@$(MAKE) --silent $(PAGE)

# Builds the web page when its sources have changed.
PAGE := api/web/dist/index.html
$(PAGE): $(STAMP) $(shell find api/web -path api/web/dist -prune -o -type f -print) shared/contracts/job-order.ts
	@npm run build --silent

install:
	@command -v npm > /dev/null || { echo "npm is missing: install Node.js 20 or later, with npm" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js $$(node --version) is too old: install Node.js 20 or later" >&2; exit 1; }
	@echo "Installing the npm packages …"
	@if problem=$$(npm view escape-html version $(NPM_ONCE) 2>&1 > /dev/null); then \
		if [ -f node_modules/.package-lock.json ]; then npm install --no-save $(NPM_QUIETLY); else npm ci $(NPM_QUIETLY); fi; \
	else \
		echo "The npm registry does not respond. Trying the cache of npm, which can take a minute or two …"; \
		npm ci --offline $(NPM_QUIETLY) 2> /dev/null || { $(NO_REGISTRY); exit 1; }; fi
	@cp package-lock.json $(STAMP)
