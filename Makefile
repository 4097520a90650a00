# The developer's verbs. `make` lists them.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/easylife
# Compiled code lies outside the clone, so that a fresh clone finds it again.
export CARGO_TARGET_DIR ?= $(CACHE)/target
export EASYLIFE_DATA ?= $(abspath ../shared/data)
BINARY := $(CARGO_TARGET_DIR)/release/easylife
TASKS := nlp cv recsys ts tabular

PREFIX ?= $(HOME)/.local

.PHONY: help build install run test lint bench bench-peers bench-cv jpeg-damage cv-model docs-check reference \
  dvc-repro dvc-conformance bench-dvc bench-serve test-serve verify verify-isa check-shap \
  check-signatures test-mlflow test-s3 clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The whole workspace, so that dependencies are compiled once, with the features that the tests need.
build: ## Build the release binary
	cargo build --release --locked --workspace

install: ## Build with all optimizations and install binary and manual into PREFIX (by default ~/.local)
	cargo build --profile dist --locked
	install -D -m 755 $(CARGO_TARGET_DIR)/dist/easylife $(DESTDIR)$(PREFIX)/bin/easylife
	$(CARGO_TARGET_DIR)/dist/easylife man --dir $(DESTDIR)$(PREFIX)/share/man/man1

run: build ## Build, then run the pipeline, where something has changed
	$(BINARY) repro
	@echo "open $(TASKS:%=reports/%.html)"

# One release build serves the tests and the runs.
test: build ## Run all tests, those through real DVC included
	@dvc=$$(python3 tools/venv dvc) || exit 1; export EASYLIFE_DVC="$$dvc/bin/dvc"; \
	export EASYLIFE_SKIPPED="$(CARGO_TARGET_DIR)/skipped.txt"; rm -f "$$EASYLIFE_SKIPPED"; \
	if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace --release --locked --no-fail-fast && \
	  cargo test --doc --workspace --release --locked --no-fail-fast --quiet; \
	else \
	  cargo test --workspace --release --locked --no-fail-fast; \
	fi; \
	status=$$?; tools/skipped "$$EASYLIFE_SKIPPED"; exit $$status

lint: ## Formatting, and clippy with warnings as errors
	cargo fmt --all -- --check
	cargo clippy --workspace --release --locked --all-targets -- -D warnings

bench: build ## Our own speed: whole processes -> docs/benchmarks.md, then kernels (divan)
	python3 tools/bench $(BINARY)
	cargo bench --locked --bench nlp --bench cv --bench kernels --bench trees

bench-peers: build ## Beside the tools we replace -> docs/benchmarks.md (PEERS="nlp ts" for some)
	cargo build --release --locked --workspace --example trees_time --example label_errors --example near_texts \
	  --example personal_data
	python3 tools/bench-peers $(BINARY) $(PEERS)

bench-serve: build ## Models over HTTP under load, beside FastAPI and MLServer -> docs/benchmarks.md
	cargo build --release --locked --workspace --example score_time
	python3 tools/bench-serve $(BINARY) $(CARGO_TARGET_DIR)/release/examples/score_time $(if $(SHORT),--short) $(PARTS)

test-serve: build ## Models over HTTP, asked by clients that nobody here wrote
	python3 tools/test-serve $(BINARY) $(if $(SHORT),--short)

cv-model: build ## Train the model of cv that is compiled in, anew
	bash tools/cv-model $(BINARY)

bench-cv: build ## How well blur is told: mild blur, real photos at three sizes -> docs/benchmarks.md
	venv=$$(python3 tools/venv peers-cv) || exit 1; \
	"$$venv/bin/python" tools/cv-real $(BINARY) && "$$venv/bin/python" tools/cv-hard $(BINARY)

jpeg-damage: build ## Damaged JPEG files: our errors beside libjpeg-turbo's warnings
	venv=$$(python3 tools/venv peers-cv) || exit 1; "$$venv/bin/python" tools/jpeg-damage $(BINARY)

reference: build ## Renew docs/reference.md and params.schema.json, which are made of the types
	$(BINARY) params --reference > docs/reference.md
	$(BINARY) params --schema > params.schema.json

docs-check: build ## Run every command in README.md and docs/
	@models=$$(python3 tools/venv models) || exit 1; \
	PATH="$$models/bin:$(dir $(BINARY)):$$PATH" python3 tools/docs-check

dvc-repro: build ## Run the pipeline through DVC and compare with the committed dvc.lock
	bash tools/dvc-repro $(BINARY)

dvc-conformance: build ## Run 200 generated pipelines through DVC and through ours, and compare
	python3 tools/dvc-conformance $(BINARY)

bench-dvc: build ## `repro` beside `dvc repro`: nothing to do, and the sample pipeline
	python3 tools/bench-dvc $(BINARY) --sample

verify: build ## Run the pipeline again in a scratch copy, with 1, 2 and 8 threads; compare every byte
	$(BINARY) verify --threads 1,2,8

verify-isa: build ## The same bytes on other CPUs (qemu-user from Debian)
	bash tools/verify-isa $(BINARY)

check-shap: build ## Contributions of 20 exported models of tabular beside those of the package shap
	venv=$$(python3 tools/venv shap) || exit 1; "$$venv/bin/python" tools/check-shap $(BINARY)

check-signatures: ## Signatures of models beside those of the package model-signing, in both directions
	cargo build --release --locked --workspace --example sign
	python3 tools/check-signatures $(CARGO_TARGET_DIR)/release/examples/sign

test-mlflow: build ## Runs and versions mirrored to a real MLflow server that is killed again and again
	cargo build --release --locked --workspace --example mirror
	$(if $(SHORT),SHORT=1) python3 tools/test-mlflow $(CARGO_TARGET_DIR)/release/examples/mirror $(BINARY)

test-s3: build ## A registry in a bucket of a real S3 server, with writers that are killed
	cargo build --release --locked --workspace --example store
	$(if $(SHORT),SHORT=1) python3 tools/test-s3 $(CARGO_TARGET_DIR)/release/examples/store $(BINARY)

clean: ## Remove what the pipeline made here; the compiled code stays
	rm -rf data models metrics plots reports .easylife
