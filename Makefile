# Needs Python 3.11 or newer and make. Every target does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# Byte code is kept even where the environment says otherwise: hundreds of tests start the program,
# and without it each start compiles all of it again, 0.5 s of a processor.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= 3
# Neighbouring tests share what a module has made; who is done early takes over from the other end.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

PYTHONS ?= python3.12 python3.13
TESTS ?= tests
LINUX = manylinux_2_5_$1,manylinux_2_12_$1,manylinux_2_17_$1,manylinux_2_24_$1,manylinux_2_26_$1,manylinux_2_27_$1,manylinux_2_28_$1,manylinux1_$1,manylinux2010_$1,manylinux2014_$1
TARGETS := 3.14:$(call LINUX,x86_64) 3.13:$(call LINUX,aarch64) 3.13:macosx_14_0_arm64 3.13:macosx_14_0_x86_64

COLLECTOR := v0.161.0
PROTO := indexer/wire/generated/ingestion.proto
STUBS := python grpc_python mypy mypy_grpc
PROTOC = $(BIN)/python -m grpc_tools.protoc -I indexer/wire/generated=schemas/proto \
	--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc

.PHONY: help run test test-pythons wheels test-interop check format bench bench-peers soak soak-ingest soak-live soak-doors reference proto lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

run: $(VENV)/.run ## Receive OTLP and index .dbdata/spans, for ever, and say what is going on
	@mkdir -p "$${JUNJO_SPAN_STORAGE_PATH:-.dbdata/spans}"
	@echo "Send OTLP to $${INGESTION_OTLP_GRPC_LISTEN:-127.0.0.1:4317} (gRPC) or" \
		"$${INGESTION_OTLP_HTTP_LISTEN:-127.0.0.1:4318} (HTTP)," \
		"or copy span Parquet files into $${JUNJO_SPAN_STORAGE_PATH:-.dbdata/spans}; stop with Ctrl-C."
	@exec $(BIN)/python -m indexer up

test: $(VENV)/.dev ## Run the whole suite, and its DuckDB part again on DuckDB 2
	$(PYTEST)
	PYTHONPATH=$(VENV)/duckdb2 $(PYTEST) -m duckdb

test-pythons: ## Run the suite on other Pythons: PYTHONS="python3.12 python3.13", TESTS=tests
	@for python in $(PYTHONS); do \
		environment=.venv-$$(basename "$$python"); \
		echo "Setting up $$environment with $$python"; \
		"$$python" -m venv "$$environment"; \
		"$$environment/bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/dev.txt; \
		"$$environment/bin/python" -m pytest -n $(WORKERS) --dist worksteal $(TESTS); \
	done

wheels: $(VENV)/.run ## Ask the package index whether every pinned package has wheels where no test runs
	@for target in $(TARGETS); do \
		IFS=: read -r version platforms <<< "$$target"; \
		echo "Python $$version, $$platforms"; \
		$(PIP) install --dry-run --no-deps --require-hashes --only-binary=:all: --target $(VENV)/wheels \
			--python-version "$$version" $$(printf -- '--platform %s ' $${platforms//,/ }) -r requirements/run.txt; \
	done

check: $(VENV)/.dev ## Format, lint, strict types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@rm -rf $(VENV)/proto; mkdir -p $(VENV)/proto
	@$(PROTOC) $(foreach kind,$(STUBS),--$(kind)_out=$(VENV)/proto) $(PROTO) 2>$(VENV)/proto/log
	@diff -r -x __pycache__ -x __init__.py indexer/wire/generated $(VENV)/proto/indexer/wire/generated \
		|| { echo "the stubs are not those of schemas/proto: make proto"; exit 1; }

format: $(VENV)/.dev ## Rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure speed and memory; tables here, JSON in bench-output/
	$(BIN)/python -m tests.benchmark

bench-peers: .venv-peers/.ready .venv-peers/.mastra .venv-peers/.fuju ## Measure other tools on the same files beside this one
	.venv-peers/bin/python -m tests.peers

test-interop: $(VENV)/.dev .venv-interop/.ready .venv-interop/.node .venv-interop/.mastra .venv-interop/.java ## Other people's senders into ours; needs Go, Node and Maven
	$(BIN)/python -m pytest --interop tests/interop

.venv-interop/.ready: tests/interop/builder.yaml
	GOBIN=$(CURDIR)/.venv-interop/bin go install \
		github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@$(COLLECTOR)
	GOBIN=$(CURDIR)/.venv-interop/bin go install \
		go.opentelemetry.io/collector/cmd/builder@$(COLLECTOR)
	.venv-interop/bin/builder --config tests/interop/builder.yaml
	@touch $@

.venv-interop/.node: tests/interop/node/package-lock.json tests/interop/node/send.mjs
	@mkdir -p .venv-interop/node
	cp tests/interop/node/* .venv-interop/node/
	npm ci --prefix .venv-interop/node --no-audit --no-fund --ignore-scripts
	@touch $@

.venv-interop/.mastra: $(wildcard tests/interop/mastra/*)
	@mkdir -p .venv-interop/mastra
	cp tests/interop/mastra/* .venv-interop/mastra/
	npm ci --prefix .venv-interop/mastra --no-audit --no-fund --ignore-scripts
	@touch $@

.venv-interop/.java: tests/interop/java/pom.xml
	@mkdir -p .venv-interop/java
	mvn -q -B -f tests/interop/java/pom.xml dependency:copy-dependencies \
		-DoutputDirectory=$(CURDIR)/.venv-interop/java
	@touch $@

soak: $(VENV)/.dev ## Long runs: simulated histories, kills, damaged files
	SPAN_TEST_HISTORIES=$${SPAN_TEST_HISTORIES:-1000} $(PYTEST) -m "" --soak

soak-ingest: $(VENV)/.dev ## Five minutes of OTLP at 10,000 spans/s; JSON and a chart in bench-output/
	$(BIN)/python -m tests.benchmark.ingest_soak

soak-live: $(VENV)/.dev ## Five minutes of OTLP into live tables, and queries; JSON and a chart in bench-output/
	$(BIN)/python -m tests.benchmark.live_soak

soak-doors: $(VENV)/.dev ## Two minutes of every attack on every door, beside a sender and a dashboard
	$(BIN)/python -m tests.benchmark.doors_soak

reference: $(VENV)/.dev ## Write docs/reference and the picture of the README from the code
	$(BIN)/python -m docs.generate
	$(BIN)/python -m docs.picture

proto: $(VENV)/.dev ## Make the stubs in indexer/wire/generated from schemas/proto
	$(PROTOC) $(foreach kind,$(STUBS),--$(kind)_out=.) $(PROTO)

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: ## Pin the packages of pyproject.toml and requirements/*.in anew; needs uv
	$(LOCK) pyproject.toml -c requirements/duckdb1.in -o requirements/run.txt
	$(LOCK) pyproject.toml --extra dev -c requirements/duckdb1.in -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra telemetry -c requirements/duckdb1.in -o requirements/image.txt
	$(LOCK) --no-deps requirements/duckdb2.in -o requirements/duckdb2.txt
	$(LOCK) pyproject.toml requirements/peers.in -c requirements/duckdb1.in -o requirements/peers.txt

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis bench-output

$(BIN)/python:
	@echo "Setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt | $(BIN)/python
	@echo "Installing the pinned packages of requirements/run.txt"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/duckdb2.txt | $(BIN)/python
	@echo "Installing the pinned packages of requirements/dev.txt, and DuckDB 2 beside them"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@rm -rf $(VENV)/duckdb2
	@$(PIP) install --require-hashes --no-deps --target $(VENV)/duckdb2 -r requirements/duckdb2.txt
	@touch $@

.venv-peers/.ready: requirements/peers.txt
	@echo "Installing the pinned packages of requirements/peers.txt into .venv-peers"
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/peers.txt
	@touch $@

.venv-peers/.mastra: $(wildcard tests/benchmark/mastra_peers/*.json tests/benchmark/mastra_peers/*.mjs)
	@mkdir -p .venv-peers/mastra
	@if command -v npm >/dev/null; then \
		cp $^ .venv-peers/mastra/; \
		npm ci --prefix .venv-peers/mastra --no-audit --no-fund --ignore-scripts; \
	else echo "npm is not there: the Mastra store is measured without @mastra/duckdb"; fi
	@touch $@

.venv-peers/.fuju: tests/benchmark/mastra_peers/requirements.txt $(VENV)/.dev
	@rm -rf .venv-peers/fuju
	@$(PIP) install --require-hashes --no-deps --target .venv-peers/fuju -r $<
	@touch $@
