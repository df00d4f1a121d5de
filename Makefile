# Everything a developer or a newcomer runs. Needs Python 3.11 or newer, make and git; the rest is
# set up in .venv when it is first needed and again when pyproject.toml changes.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help train test lint bench proto clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

train: $(VENV)/.train  ## train a small net on scikit-learn's digits, data and set-up included
	$(BIN)/python data_scripts/get_digits.py
	$(BIN)/netcfg train configs/digits/solver.prototxt --out out/digits

test: $(VENV)/.dev  ## run all tests
	$(BIN)/python -m pytest

lint: $(VENV)/.dev  ## check style, form and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.dev .bench/.done  ## run the benchmarks, with peers in .bench
	$(BIN)/python -m benchmarks.lenet
	$(BIN)/python -m benchmarks.caffemodel
	$(BIN)/python -m benchmarks.cpu --peers .bench/bin/python --out benchmarks/results/cpu.md
	$(BIN)/python -m benchmarks.kernels --out benchmarks/results/kernels.md
	$(BIN)/python -m benchmarks.startup --out benchmarks/results/startup.md
	$(BIN)/python -m benchmarks.growth --out benchmarks/results/growth.md --plot docs/images/growth.png
	$(BIN)/python -m benchmarks.data --peer .bench/bin/python --out benchmarks/results/data.md

proto: $(VENV)/.dev  ## write netcfg/netcfg_pb2.py from proto/netcfg.proto
	$(BIN)/python tools/gen_proto.py

clean:  ## remove .venv, caches and what training wrote
	rm -rf $(VENV) .bench build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.bench/.done:
	@echo "installing PyTorch, ONNX Runtime and OpenVINO into .bench"
	@python3 -m venv .bench
	@.bench/bin/python -m pip --disable-pip-version-check --quiet install torch==2.13.0 \
	  onnxruntime openvino onnx numpy pillow lmdb
	@touch $@

$(VENV)/.train: pyproject.toml | $(BIN)/python
	@echo "installing netcfg and what the example needs into $(VENV)"
	@$(PIP) install --editable '.[viz,examples]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing netcfg and what its developers need into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $@

# The first Python that is new enough; Debian packs the module that sets up pip separately.
$(BIN)/python:
	@for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "netcfg needs Python 3.11 or newer; found $$(python3 --version 2>&1)" >&2; exit 1; \
	fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "Python $$version lacks venv; on Debian and Ubuntu: apt install python$$version-venv" >&2; \
	  exit 1; \
	fi; \
	$$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
