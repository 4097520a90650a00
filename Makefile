# The developer's verbs. `make` lists them.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/easylife
# Compiled code lies outside the clone, so that a fresh clone finds it again.
export CARGO_TARGET_DIR ?= $(CACHE)/target
export EASYLIFE_DATA ?= $(abspath ../shared/data)
BINARY := $(CARGO_TARGET_DIR)/release/easylife
TASKS := nlp cv recsys

.PHONY: help build run test lint bench bench-peers cv-model docs-check dvc-repro clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the release binary
	cargo build --release --locked

run: build ## Build, then run the whole pipeline on the sample
	@for verb in sample validate prepare train evaluate gate; do \
	  echo "$$ easylife $$verb all"; $(BINARY) $$verb all || exit $$?; \
	done
	@for task in $(TASKS); do \
	  in=data/raw/$$task/incoming.csv; [ -e $$in ] || in=data/raw/$$task/incoming; \
	  echo "$$ easylife predict $$task -i $$in -o data/scored/$$task.csv"; \
	  $(BINARY) predict $$task -i $$in -o data/scored/$$task.csv || exit $$?; \
	done
	@echo "open reports/nlp.html reports/cv.html reports/recsys.html"

# One release build serves the tests and the runs.
test: build ## Run all tests, those through real DVC included
	@dvc=$$(python3 tools/venv dvc) || exit 1; export EASYLIFE_DVC="$$dvc/bin/dvc"; \
	if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --release --locked --no-fail-fast; \
	else \
	  cargo test --release --locked --no-fail-fast; \
	fi

lint: ## Formatting, and clippy with warnings as errors
	cargo fmt --all -- --check
	cargo clippy --release --locked --all-targets -- -D warnings

bench: build ## Our own speed: kernels (divan) and whole processes
	cargo bench --locked --bench nlp
	python3 tools/bench $(BINARY)

bench-peers: build ## Beside the tools we replace -> docs/benchmarks.md (PEERS="nlp ts" for some)
	python3 tools/bench-peers $(BINARY) $(PEERS)

cv-model: build ## Train the model of cv that is compiled in, anew
	bash tools/cv-model $(BINARY)

docs-check: build ## Run every command in README.md and docs/
	PATH="$(dir $(BINARY)):$$PATH" python3 tools/docs-check

dvc-repro: build ## Run the pipeline through DVC and compare with the committed dvc.lock
	bash tools/dvc-repro $(BINARY)

clean: ## Remove what the pipeline made here; the compiled code stays
	rm -rf data models metrics plots reports
