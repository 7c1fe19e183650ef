# Needs GNU make and Python 3.11 or later, and git for what belongs to a repository (see .scm below);
# everything else goes into .venv. `make` prints help.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON  ?= $(firstword $(shell command -v python3.11 python3))
# Of the command line alone: other tools export VENV too, and their environment is not ours to fill.
VENV    := .venv
# Arguments for pip. Where they are set, even to nothing, they alone decide which build of torch it takes.
# Where they are not, Linux without an NVIDIA GPU takes PyTorch's CPU build, a much smaller download.
CPU_BUILDS := https://download.pytorch.org/whl/cpu
GPUS := /proc/driver/nvidia/gpus
NVIDIA = $(wildcard $(GPUS)/*)$(shell nvidia-smi -L 2>/dev/null | grep '^GPU')
TAKES_CPU_BUILD = $(if $(filter undefined,$(origin PIP_ARGS)),$(if $(filter Linux,$(shell uname -s)),$(if $(NVIDIA),,yes)))
# Extras to install, such as all,dev,openvino for one more runtime of `brpnas measure`.
EXTRAS ?= all,dev
# Arguments for pytest, such as -k NAME; and how many of its processes run side by side.
PYTEST_ARGS ?=
WORKERS ?= 2
# Arguments for `dvc repro`, such as the name of a stage.
DVC_ARGS ?=
# Device whose predictor `make retrain` makes; as it was typed, or make would run functions in it.
DEVICE ?=
override DEVICE := $(value DEVICE)
export DEVICE

# Targets and prerequisites are relative: make takes a blank in a name for the end of it.
ifneq ($(words $(VENV)),1)
$(error VENV is '$(VENV)': give a path without blanks, relative to $(CURDIR))
endif
STAMP := $(VENV)/.installed

export PATH := $(if $(filter /%,$(VENV)),,$(CURDIR)/)$(VENV)/bin:$(PATH)
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export ITERATIVE_DO_NOT_TRACK := 1
export KEDRO_DISABLE_TELEMETRY := 1
export MLFLOW_DISABLE_TELEMETRY := true
export ORT_DISABLE_TELEMETRY := 1
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false
ifeq ($(MLFLOW_TRACKING_URI),)
unexport MLFLOW_TRACKING_URI # in CI a variable that is not set is empty, which is no address
endif
ifndef BRPNAS_MIRROR
ifneq ($(wildcard ../shared/data),)
export BRPNAS_MIRROR := $(CURDIR)/../shared/data
endif
endif

REPORT := data/08_reporting/report.html
MODELS := data/06_models
PAGES = data/08_reporting/devices/$(DEVICE)
TRACKING := $(or $(MLFLOW_TRACKING_URI),sqlite:///data/mlflow.db)

# Of images: version and revision that they name, and Compose, 1 or 2.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
ON_COMPOSE = $(COMPOSE) --file docker/compose.yaml

# A download of the project has no .git, and DVC has to be told so.
IN_GIT = test -e .git || git rev-parse --git-dir >/dev/null 2>&1
define TELL_DVC
if $(IN_GIT); then \
  if grep -qs no_scm .dvc/config.local; then dvc config --local --unset core.no_scm; fi; \
else dvc config --local core.no_scm true; fi
endef

.PHONY: help run retrain .device .scm ui images up down test test-all test-docker benchmark docs lint fmt constraints clean

help:  ## Print this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed, and '$(PYTHON)' is not: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(VENV)/bin/python || "$(PYTHON)" -m venv $(VENV)
	$(if $(TAKES_CPU_BUILD),$(VENV)/bin/python -m pip install --retries 2 --timeout 20 --no-deps --index-url $(CPU_BUILDS) \
	  --constraint constraints.txt torch || echo "No CPU build of torch from $(CPU_BUILDS): pip takes its default build.")
	$(VENV)/bin/python -m pip install $(PIP_ARGS) --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

run: .scm $(STAMP)  ## Set up, run the whole pipeline (only what changed), say where the results are.
	@$(TELL_DVC)
	dvc repro $(DVC_ARGS)
	@echo
	@echo "Report        $(CURDIR)/$(REPORT)  (one file, opens offline)"
	@find $(MODELS) -name '*.onnx' | sort | sed 's/^/ONNX          /'
	@echo "Metrics       $(VENV)/bin/dvc metrics show"
	@echo "Tracked runs  $(TRACKING); to look at them: make ui"

retrain: .device .scm $(STAMP)  ## Predictor of DEVICE from data/01_raw/devices/DEVICE.csv: registered, judged, added to DVC.
	@$(TELL_DVC)
	kedro run --pipelines=retrain --params=device=$(DEVICE)
	brpnas promote latency-$(DEVICE) > $(PAGES)/decision.txt
	@cat $(PAGES)/decision.txt
	dvc add $(MODELS)/devices/$(DEVICE) $(PAGES) >/dev/null
	@echo
	@echo "Report        $(abspath $(PAGES)/report.md)"
	@echo "Predictor     $(abspath $(MODELS)/devices/$(DEVICE)/predictor.onnx)"
	@echo "Registry      $(TRACKING), model latency-$(DEVICE): $(VENV)/bin/brpnas models"

.device:
	@case "$$DEVICE" in ''|[!A-Za-z0-9]*|*[!A-Za-z0-9._-]*) \
	  echo "Which device? make retrain DEVICE=NAME, for data/01_raw/devices/NAME.csv; a name is of" \
	    "letters, digits, dots, hyphens and underscores." >&2; exit 2;; esac

.scm:
	@$(IN_GIT) || echo "No git repository here (a download?): the pipeline runs, but runs carry no" \
	  "commit, and 'dvc exp' and 'dvc metrics diff' need one: git clone the project, or git init."

ui: $(STAMP)  ## Serve the tracked runs (mlflow ui) on http://127.0.0.1:5000.
	store=$$(python -m pipelines.mlflow_store) && mlflow ui --backend-store-uri "$$store"

images: export BRPNAS_VERSION = $(VERSION)
images: export BRPNAS_REVISION = $(shell git rev-parse HEAD 2>/dev/null)
images: export DOCKER_BUILDKIT = 1
images: export COMPOSE_DOCKER_CLI_BUILD = 1
images:  ## Build the image of every stage, and of the MLflow server.
	$(ON_COMPOSE) --profile on-request build

up: export BRPNAS_UID = $(shell id -u)
up: export BRPNAS_GID = $(shell id -g)
up: export BRPNAS_GROUP = compose-$(shell date +%s)
up:  ## Run the whole pipeline in containers, tracked by a server at http://127.0.0.1:5000.
	$(ON_COMPOSE) up

down:  ## Stop these containers; data, tracked runs and models stay.
	$(ON_COMPOSE) --profile on-request --profile dask down

test: $(STAMP)  ## Set up and run the tests, but for the slow ones.
	pytest -n $(WORKERS) --dist worksteal -m "not slow and not docker" $(PYTEST_ARGS)

test-all: $(STAMP)  ## All tests, the slow ones too, but for those in containers.
	pytest -n $(WORKERS) --dist worksteal -m "not docker" $(PYTEST_ARGS)

test-docker: $(STAMP)  ## Build the images and test them; needs a Docker engine.
	pytest -m docker -r s $(PYTEST_ARGS) tests/docker

benchmark: .scm $(STAMP)  ## All figures of README and docs/results.md anew: hours; goes on where it was interrupted.
	@$(TELL_DVC)
	dvc repro benchmarks/dvc.yaml $(DVC_ARGS)

docs: $(STAMP)  ## Build the documentation site in site/; a broken link is an error.
	zensical build --clean --strict
	@echo "Site          $(CURDIR)/site/index.html"

lint: $(STAMP)  ## Style, format, types and the direction of imports.
	ruff check .
	ruff format --check .
	mypy
	lint-imports

fmt: $(STAMP)  ## Format the code and mend what ruff can mend.
	ruff check --fix .
	ruff format .

constraints: $(STAMP)  ## Write the versions installed in .venv to constraints.txt.
	@{ sed '/^[^#]/,$$d' constraints.txt; pip freeze --all --exclude pip --exclude-editable | sed 's/+[a-z0-9.]*$$//'; } > constraints.tmp
	@mv constraints.tmp constraints.txt
	@touch $(STAMP)

clean:  ## Remove the environment and caches; data and tracked runs stay.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info build dist site .cache .coverage htmlcov
	find brpnas pipelines tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
