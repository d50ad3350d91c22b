# What people do with the system. Everything is set up at first use; `make` alone lists the tasks.
# Project code runs on the Node that package.json pins (npx, npm run), never on the machine's own.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

NODE := npx --no-install node
LOCAL := @$(NODE) local/cli.ts

# Handed to the commands as they are, whatever characters are in them.
export FILE OPS ID N SLOTS SERVICE COUNT REPEATS WORKERS_LIST SEED JOBS SECONDS SCENARIO

.PHONY: help demo up down ps logs scale stop-worker start-worker monitor performance upload status replay load-bulk load-burst load-capacity analyze experiment-1 experiment-2 experiment-3 experiment-workers test test-compose test-compose-cluster check bench chaos doctor clean setup install

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

demo: setup ## start, push the test images through, show what came out
	$(LOCAL) demo

up: setup ## start the system, with Docker Compose if an engine answers: RUNTIME=compose or local
	$(LOCAL) up

down: setup ## stop it; images and queues stay
	$(LOCAL) down

ps: setup ## every process and how it is
	$(LOCAL) ps

logs: setup ## follow the logs, all or of one service: SERVICE=worker
	$(LOCAL) logs "$$SERVICE"

scale: setup ## set the number of workers: N=3; with one job at a time each: N=3 SLOTS=1
	$(LOCAL) scale "$$N" "$$SLOTS"

stop-worker: setup ## stop exactly one worker, after what it has in hand
	$(LOCAL) stop-worker

start-worker: setup ## start it again, or one more
	$(LOCAL) start-worker

monitor: setup ## watch queues, rates and workers (q ends it)
	$(LOCAL) monitor

performance: setup ## watch throughput, latency, utilisation and failures
	$(LOCAL) performance

upload: setup ## send one image, the sample without FILE=…: FILE=photo.jpg OPS=resize
	$(LOCAL) upload "$$FILE" "$$OPS"

status: setup ## what became of a job, the newest without ID=…
	$(LOCAL) status "$$ID"

replay: setup ## have a failed job done again: ID=…
	$(LOCAL) replay "$$ID"

load-bulk: setup ## load test: many images as fast as possible: COUNT=100 WORKERS=3, IMAGES=folder
	$(LOCAL) load-bulk

load-burst: setup ## load test: bursts, and how fast the queue recovers: BURST=50 INTERVAL=5 ROUNDS=3
	$(LOCAL) load-burst

load-capacity: setup ## load test: a rising rate of uploads, up to the knee: RATE=2 FACTOR=1.25 LIMIT=10
	$(LOCAL) load-capacity

analyze: setup ## analyse the results of the load tests: a table here, and a report with plots
	@$(NODE) load_test/analyze_results.ts

experiment-1: setup ## guided: stop and kill workers, and see that no job is lost
	$(LOCAL) experiment-1

experiment-2: setup ## guided: bursts of images, and what the queue does with them (needs k6)
	$(LOCAL) experiment-2

experiment-3: setup ## guided: a broken image in the dead-letter queue, replayed and discarded
	$(LOCAL) experiment-3

experiment-workers: setup ## throughput of 1, 2, 3, 5 workers (needs k6): COUNT=100 REPEATS=3 WORKERS_LIST=1,2 SEED=42
	$(LOCAL) experiment-workers "$$COUNT" "$$REPEATS" "$$WORKERS_LIST" "$$SEED"

test: setup ## all tests, on a RabbitMQ of their own
	@$(NODE) local/cli.ts install-rabbitmq && $(NODE) local/cli.ts install-prometheus && $(NODE) local/cli.ts install-chromium && npm test --silent

test-compose: setup ## bring docker-compose.yml up from nothing and walk the handout through it
	@$(NODE) local/compose-test/main.ts

test-compose-cluster: setup ## the same with three RabbitMQ nodes, each killed in turn
	@$(NODE) local/compose-test/main.ts cluster

check: setup ## types, lint, format
	@npm run check --silent

bench: setup ## throughput, latency, memory, what monitoring costs, Little's law
	@$(NODE) local/cli.ts install-rabbitmq && $(NODE) load_test/bench/main.ts

chaos: setup ## break everything and count that nothing is lost: SCENARIO=storm, SEED=42 JOBS=500 SECONDS=120
	@$(NODE) local/cli.ts install-rabbitmq && $(NODE) load_test/chaos/main.ts

doctor: setup ## what is wrong with engine, ports, disk, services; how to fix it
	$(LOCAL) doctor

clean: setup ## stop everything and remove its images, queues and logs
	$(LOCAL) clean

# Installs what package-lock.json says, once, and again whenever that has changed.
STAMP := node_modules/.installed-package-lock.json
NPM_QUIETLY := --no-audit --no-fund --loglevel=error
setup:
	@cmp -s package-lock.json $(STAMP) || $(MAKE) install

install:
	@command -v npm > /dev/null || { echo "npm is missing: install Node.js 20 or later, with npm" >&2; exit 1; }
	@echo "Installing the npm packages …"
	@if [ -d node_modules ]; then npm install --no-save $(NPM_QUIETLY); else npm ci $(NPM_QUIETLY); fi
	@cp package-lock.json $(STAMP)
