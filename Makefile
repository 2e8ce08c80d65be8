# The commands of this repository. Needed: Rust 1.95 with a C compiler, Node.js 20 or newer, Python 3.11 or newer, make.
# What tests need beyond that is installed into .tools/, pinned, from crates.io, PyPI and npm.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PROFILE ?= ci
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
BIN := $(TARGET_DIR)/$(PROFILE)
PYTEST_ARGS ?=
BUILD ?= -p toolgate -p imagegen-mcp

.PHONY: help run build test test-rust test-e2e bench lint fmt doc deny tidy layers tools release fuzz-check

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

run: build ## build everything and start the demo on 127.0.0.1:8420, console on 127.0.0.1:8421
	$(BIN)/toolgate up --demo

build:
	@echo "== building toolgate and imagegen-mcp (the first time takes some minutes) =="
	$(CARGO) build --profile $(PROFILE) -p toolgate -p imagegen-mcp

test: test-rust ## every test: Rust, then real clients and servers
	@$(MAKE) --no-print-directory test-e2e BUILD="--workspace --bins --tests"

test-rust:
	@echo "== Rust tests of the workspace =="
	$(CARGO) test --profile $(PROFILE) --workspace

# After the Rust tests the binaries come of the same build, with the features that tests ask of libraries; otherwise
# half of the libraries would be built twice.
test-e2e: tools ## the end-to-end tests alone; PYTEST_ARGS='-k reload' picks some
	@echo "== end-to-end tests =="
	$(CARGO) build --profile $(PROFILE) $(BUILD)
	TOOLGATE_BIN="$(abspath $(BIN))" .tools/python/bin/python tests/e2e/run.py $(PYTEST_ARGS)

tools:
	@scripts/tools.sh python node

bench: ## compare the cost of a call with nginx and HAProxy; needs wrk, nginx and haproxy
	scripts/bench.sh

lint: ## format and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --profile $(PROFILE) --workspace --all-targets -- -D warnings

doc: ## documentation of every item, warnings are errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --profile $(PROFILE) --workspace --no-deps --document-private-items

deny: ## licences, sources, banned crates and, where its database can be had, advisories
	@scripts/tools.sh deny
	scripts/deny.sh

tidy: ## rules that no compiler checks
	python3 scripts/tidy.py

layers: ## which crate may know which
	scripts/layers.sh

release: ## build the optimised binaries into target/release
	$(CARGO) build --release -p toolgate -p imagegen-mcp

fuzz-check: ## compile the fuzz targets
	cd fuzz && $(CARGO) check --locked --bins --target-dir "$(abspath $(TARGET_DIR))/fuzz"
