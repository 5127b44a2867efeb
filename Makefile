# Every target does its own set-up; a fresh machine needs only Python >= 3.11, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests wait a good deal: one runner more than there are cores.
RUNNERS = $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() or 1) + 1)')

.PHONY: demo test faults chaos check kafka setup clean

demo: $(READY)  ## a simulated campaign month through Kafka, the worker and ClickHouse
	@$(BIN)/maalstrom demo $(ARGS)

test: $(READY)  ## every test
	@$(BIN)/python -m pytest --numprocesses $(RUNNERS) --dist loadfile $(ARGS)

faults: $(READY)  ## workers and servers killed, frozen and cut off, on a real broker: some minutes
	@$(BIN)/python -m pytest -m faults $(ARGS)

chaos: $(READY)  ## every fault at random for a time: make chaos MINUTES=10; what failed, again: make chaos SEED=7 FAULTS=30
	@MINUTES=$(or $(MINUTES),10) SEED=$(or $(SEED),$$(date +%s)) FAULTS=$(FAULTS) \
		$(BIN)/python -m pytest -m faults -s tests/integration/test_chaos.py $(ARGS)

check: $(READY)  ## formatting, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict streams

kafka:  ## a real Kafka broker on 127.0.0.1 in the foreground, gone with its data on Ctrl-C: make kafka PORT=9092
	@$(PYTHON) deploy/kafka/broker.py --port $(or $(PORT),9092)

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maalstrom needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@echo "installing maalstrom into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:  ## forget the environment and every cache
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
