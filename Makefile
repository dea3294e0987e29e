# Needs only python3 (3.11 or newer) and make; everything else goes into .venv.
#
#   make demo VIDEO=holiday.mp4 QUESTION="Who is it that's waving?"
#   make test PYTHON=python3.12 PYTEST_ARGS="-k retry"

PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=
RELEASE_ARGS ?=

# The demo's words travel as environment variables and unexpanded, so that no quote, space or dollar in them
# means anything to make or to the shell. With `make -C`, paths are relative to the folder it was called from.
export DEMO_VIDEO := $(value VIDEO)
export DEMO_QUESTION := $(value QUESTION)
export DEMO_VOICE := $(value VOICE)
export DEMO_OUTPUT := $(value OUTPUT)
unexport VIDEO QUESTION VOICE OUTPUT MAKEOVERRIDES
export CALLED_FROM := $(if $(findstring w,$(firstword -$(MAKEFLAGS))),$(value PWD),$(CURDIR))

# Where it is set, each process compiles all that it imports, and the tests start hundreds.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
INSTALL := -m pip --disable-pip-version-check install -qq
PIP := $(BIN)/python $(INSTALL) -c constraints.txt
PYTEST := -m pytest -q -n auto --maxprocesses 4

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo library test coverage test-newest test-oldest lint types docs check release-check bench comparison bench-video pictures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

demo: .venv/.demo ## ask about a video and save the spoken answer: VIDEO=… QUESTION=… VOICE=… OUTPUT=…
	@here=$$(pwd) && cd "$$CALLED_FROM" && "$$here/$(BIN)/python" "$$here/examples/demo.py" \
		$${DEMO_VIDEO:+"--video=$$DEMO_VIDEO"} $${DEMO_QUESTION:+"--question=$$DEMO_QUESTION"} \
		$${DEMO_VOICE:+"--voice=$$DEMO_VOICE"} $${DEMO_OUTPUT:+"--output=$$DEMO_OUTPUT"}

library: .venv/.library ## make thirty films, index them, ask three questions, draw what was found; in library-demo
	@$(BIN)/python examples/library.py

test: .venv/.dev ## run the tests
	@echo "Testing"
	@$(BIN)/python $(PYTEST) $(PYTEST_ARGS)

coverage: .venv/.dev ## run the tests, half as long again; coverage below 95 % fails
	@echo "Testing, with coverage"
	@$(BIN)/python $(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

# What users get: each in an environment of its own, made anew, on the PYTHON that is named.
test-newest: ## run the tests with the newest versions of everything, nothing pinned
	@$(call prepare,.venv-newest)
	@.venv-newest/bin/python $(INSTALL) -e '.[all,dev]'
	@.venv-newest/bin/python $(PYTEST) $(PYTEST_ARGS)

# httpx comes last and alone: langchain-tests wants a newer one than the package does.
test-oldest: ## run the tests with the oldest allowed versions of what the package needs
	@$(call prepare,.venv-oldest)
	@grep -v '^httpx==' constraints-oldest.txt > .venv-oldest/constraints.txt
	@.venv-oldest/bin/python $(INSTALL) -c .venv-oldest/constraints.txt -e '.[all,dev]'
	@.venv-oldest/bin/python $(INSTALL) --no-deps $$(grep '^httpx==' constraints-oldest.txt)
	@.venv-oldest/bin/python $(PYTEST) $(PYTEST_ARGS)

lint: .venv/.dev ## check style, formatting and the layers between modules
	@echo "Checking style, formatting and layers"
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: .venv/.dev ## check the types, and those of users' code
	@echo "Checking types"
	@$(BIN)/python -m mypy
	@$(BIN)/python -m mypy --strict --config-file= --cache-dir=.mypy_cache/users tests/typing_user_code.py

docs: .venv/.docs ## build the site into site/; a link that leads nowhere fails
	@echo "Building the documentation"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

pictures: .venv/.dev ## take the pictures of the documentation anew; needs Chromium
	@$(BIN)/python tools/pictures.py

check: test lint types docs ## everything that has to pass

release-check: ## build the packages, and try the wheel on each Python at hand: RELEASE_ARGS="--python python3.12"
	@$(call prepare,.venv-release)
	@.venv-release/bin/python $(INSTALL) build twine
	@.venv-release/bin/python tools/release_check.py $(RELEASE_ARGS)

bench: .venv-bench/.done ## measure speed and memory against other packages; about ten minutes
	@.venv-bench/bin/python -m benchmarks $(BENCH_ARGS)

comparison: .venv-bench/.done ## try what other packages do with the same questions; writes the tables of the pages
	@.venv-bench/bin/python -m benchmarks.comparison --write

bench-video: .venv/.dev ## measure fitting and splitting an hour of 1080p, beside ffmpeg; about a quarter of an hour
	@$(BIN)/python -m benchmarks.long_video $(BENCH_ARGS)

clean: ## remove the virtual environment, caches and what the demo left
	@echo "Cleaning"
	@rm -rf .venv .venv-bench .venv-newest .venv-oldest .venv-release build dist .coverage .coverage.* .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf answer.wav clip.mp4 library-demo site
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call prepare,folder): make a virtual environment, or say what is missing.
define prepare
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …" >&2; exit 1; }; \
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	{ echo "This Python can't make virtual environments; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }; \
echo "Preparing $(1)"; \
$(PYTHON) -m venv --clear $(1)
endef

# The demo needs few packages and starts in seconds; the tests add theirs to the same environment.
.venv/.demo: pyproject.toml constraints.txt
	@$(call prepare,.venv)
	@$(PIP) -e '.[local]'
	@touch $@

.venv/.library: .venv/.demo
	@echo "Adding the packages of the library (once, about a minute)"
	@$(PIP) -e '.[library,local]'
	@touch $@

# The peers have needs of their own, so they live apart.
.venv-bench/.done: pyproject.toml benchmarks/constraints.txt
	@echo "Preparing .venv-bench (once, about a minute)"
	@$(PYTHON) -m venv --clear .venv-bench
	@.venv-bench/bin/python $(INSTALL) -c benchmarks/constraints.txt -e '.[bench]'
	@touch $@

.venv/.dev: .venv/.demo
	@echo "Adding the packages for tests and checks (once, about a minute)"
	@$(PIP) -e '.[all,dev]'
	@touch $@

.venv/.docs: .venv/.demo
	@echo "Adding the packages for the documentation"
	@$(PIP) -e '.[docs]'
	@touch $@
