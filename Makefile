# What people run. Everything works in .venv, which these targets create; nothing is installed outside it.
#
#   make demo     plant a synthetic world, run the chain over it, print what it found   (SEED=7 SCALE=1 or EVENTS=100000 DATA_ROOT=data)
#   make serve    the web UI on http://127.0.0.1:3000                                   (PORT=3000 DATA_ROOT=data)
#   make serve-readonly   beside it a UI that launches nothing, on http://127.0.0.1:3001   (PORT=3001)
#   make install  what the others do first: .venv with everything in it
#   make test     the tests, on all cores                          (ARGS="tests/test_demo.py -k bytes" WORKERS=0)
#   make test-e2e tests that start the servers and go through the UI in Chromium; screenshots in artifacts/
#   make lint     ruff, mypy, sqlfluff
#   make bench    speed and memory as JSON                                              (ARGS="--pages 10000")
#   make clean    remove .venv, build products and caches; data and runs stay

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

SEED ?= 7
SCALE ?= 1
EVENTS ?=
PORT ?=
DATA_ROOT ?= $(or $(SM_ASSETS_DATA_ROOT),$(CURDIR)/data)
ARGS ?=
WORKERS ?= auto

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
KERNELS := $(wildcard sm_assets/kernels/*.pyx sm_assets/kernels/*.pxd sm_assets/kernels/*.hpp)

# Where this is set, every subprocess compiles Dagster anew: a minute instead of seconds.
unexport PYTHONDONTWRITEBYTECODE
# A PYTHONPATH or an activated environment of the caller must not leak into ours.
unexport PYTHONPATH
unexport PYTHONHOME
# A folder, or a URL like s3://bucket/prefix.
ROOT := $(if $(findstring ://,$(DATA_ROOT)),$(DATA_ROOT),$(abspath $(DATA_ROOT)))
export SM_ASSETS_DATA_ROOT := $(ROOT)
# Each folder of data has a history of runs of its own: that of data/ lies here, that of another inside it.
export DAGSTER_HOME := $(if $(or $(findstring ://,$(ROOT)),$(filter $(CURDIR)/data,$(ROOT))),$(CURDIR)/dagster_home,$(ROOT)/dagster_home)

.PHONY: help install home demo serve serve-readonly test test-e2e lint bench clean
help:
	@sed -n 's/^#   //p' Makefile

install: $(VENV)/.ready

home:
	@mkdir -p "$(DAGSTER_HOME)"; [ -e "$(DAGSTER_HOME)/dagster.yaml" ] || ln -s "$(CURDIR)/dagster_home/dagster.yaml" "$(DAGSTER_HOME)/"

demo: $(VENV)/.ready home
	@$(BIN)/sm-assets demo --data-root "$(SM_ASSETS_DATA_ROOT)" --seed $(SEED) $(if $(EVENTS),--events $(EVENTS),--scale $(SCALE))

# sm_assets/serve.py says what to do first, once the UI answers, and ends all that it started.
SERVE = if ! $(PY) -c '' 2>/dev/null; then \
	    echo "$(PY) does not start any more (the Python it was made with is gone). Make it anew: make clean, then make $@." >&2; exit 2; fi; \
	  exec $(PY) -m sm_assets.serve --home "$(DAGSTER_HOME)" --port
serve: $(VENV)/.ready home
	@$(SERVE) $(or $(PORT),3000)

serve-readonly: $(VENV)/.ready home
	@$(SERVE) $(or $(PORT),3001) --read-only

test: $(VENV)/.ready-dev
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-e2e: $(VENV)/.ready-dev
	$(BIN)/pytest -m e2e -rs $(ARGS)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint sql

bench: $(VENV)/.ready
	$(PY) benchmarks/bench_cosharing.py $(ARGS)

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f sm_assets/kernels/_*.cpp sm_assets/kernels/*.so sm_assets/kernels/*.pyd
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment ----------------------------------------------------------------------------------------------

$(VENV)/.made:
	@python=; for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$name"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or later found (tried python3.11 ... python3.14, python3, python)." >&2; \
	  echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv python3-dev) or name it: make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot make virtual environments (no venv or ensurepip). Debian, Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'; then \
	  echo "The headers of $$python (Python.h) are missing; the kernels are compiled against them. Debian, Ubuntu: apt-get install python3-dev" >&2; exit 1; \
	fi; \
	if ! command -v $${CXX:-c++} >/dev/null; then \
	  echo "No C++ compiler found ($${CXX:-c++}); the kernels are compiled. Debian, Ubuntu: apt-get install g++" >&2; exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" -V) ..."; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

# What an install depends on: another line length or test option in pyproject.toml is no reason for a new one.
INSTALL_KEY = $(PY) -c 'import hashlib, pathlib, tomllib; \
  parts = tomllib.loads(pathlib.Path("pyproject.toml").read_text()); \
  wanted = repr([parts[name] for name in ("build-system", "project")] + [parts["tool"]["setuptools"]]); \
  files = [pathlib.Path(name).read_text() for name in ("constraints.txt", "setup.py")]; \
  print(hashlib.sha256("".join([wanted, *files]).encode()).hexdigest())'

# On all cores, while pip takes one; files that are no Python (templates in packages) are passed over.
BYTECODE = $(PY) -m compileall -qq -j 0 $(VENV)/lib sm_assets || true

# Dependencies and the editable install, which compiles the kernels, as many at once as there are cores.
$(VENV)/.deps: $(VENV)/.made pyproject.toml constraints.txt setup.py
	@key=$$($(INSTALL_KEY)); \
	if [ "$$key" != "$$(cat $@ 2>/dev/null)" ]; then \
	  echo "Installing what sm_assets needs and compiling its kernels ..."; \
	  $(PIP) setuptools Cython; \
	  printf '[build_ext]\nparallel = %s\n' "$$($(PY) -c 'import os; print(os.cpu_count() or 1)')" > $(VENV)/build.cfg; \
	  DIST_EXTRA_CONFIG=$(VENV)/build.cfg $(PIP) --no-build-isolation -e '.[ui]'; \
	  $(BYTECODE); \
	fi; \
	echo "$$key" > $@

# Kernels that were changed since.
$(VENV)/.ready: $(VENV)/.deps $(KERNELS)
	@if [ -n "$$(find $(KERNELS) -newer $(VENV)/.deps)" ]; then \
	  DIST_EXTRA_CONFIG=$(VENV)/build.cfg $(PY) setup.py -q build_ext --inplace; \
	fi
	@touch $@

# Test and lint tools: the demo does without them.
$(VENV)/.ready-dev: $(VENV)/.ready
	@key=$$(cat $(VENV)/.deps); \
	if [ "$$key" != "$$(cat $@ 2>/dev/null)" ]; then \
	  echo "Installing the test and lint tools ..."; \
	  $(PY) -c 'import pathlib, tomllib; \
	    extra = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]["optional-dependencies"]; \
	    print("\n".join(extra["dev"]))' > $(VENV)/dev.txt; \
	  $(PIP) -r $(VENV)/dev.txt; \
	  $(BYTECODE); \
	fi; \
	echo "$$key" > $@
