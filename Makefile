# Every target does its own set-up; a fresh machine needs only Python >= 3.11, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests wait a good deal: one runner more than there are cores.
RUNNERS = $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() or 1) + 1)')

.PHONY: demo test faults chaos fuzz fuzz-formats check dist dist-check peers peers-check bench-quick kubernetes kafka setup clean docs reference dashboards

demo: $(READY)  ## a simulated campaign month through a collector, Kafka, the worker and ClickHouse
	@$(BIN)/maalstrom demo $(ARGS)

test: $(READY)  ## every test
	@$(BIN)/python -m pytest --numprocesses $(RUNNERS) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(READY)  ## workers and servers killed, frozen and cut off, on a real broker: some minutes
	@$(BIN)/python -m pytest -m faults $(ARGS)

chaos: $(READY)  ## every fault at random for a time: make chaos MINUTES=10; what failed, again: make chaos SEED=7 FAULTS=30
	@MINUTES=$(or $(MINUTES),10) SEED=$(or $(SEED),$$(date +%s)) FAULTS=$(FAULTS) \
		$(BIN)/python -m pytest -m faults -s tests/integration/faults/test_chaos.py $(ARGS)

fuzz: $(READY)  ## mutated records of every topic among good ones: make fuzz MINUTES=5; what failed, again: make fuzz SEED=7 STEPS=30
	@MINUTES=$(or $(MINUTES),5) SEED=$(or $(SEED),$$(date +%s)) STEPS=$(STEPS) \
		$(BIN)/python -m pytest -m faults -s tests/integration/faults/records/test_fuzz.py $(ARGS)

fuzz-formats: $(READY)  ## messages with mistakes of every format, for minutes: make fuzz-formats MESSAGES=1000000 SEED=2
	@PYTHONPATH=. $(BIN)/python tests/bench/door/fuzz_formats.py $(or $(MESSAGES),100000) $(or $(SEED),1) $(FORMATS)

.PHONY: fuzz-collect
fuzz-collect: $(READY)  ## requests with mistakes and tricks to a collector, some minutes: make fuzz-collect REQUESTS=100000 SEED=2
	@PYTHONPATH=. $(BIN)/python -m tests.bench.door.fuzz_collect $(or $(REQUESTS),100000) $(or $(SEED),1)

.PHONY: memory-collect pictures
memory-collect: $(READY)  ## a collector's memory under load, over minutes; ends badly where it grows: make memory-collect MINUTES=3
	@PYTHONPATH=. $(BIN)/python -m tests.bench.door.bench_collect --runs memory --seconds $$((60 * $(or $(MINUTES),10)))

check: $(READY)  ## formatting, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict streams
	@$(BIN)/mypy --strict tests tools

docs: $(READY)  ## the documentation as a site in build/site; a warning is an error
	@$(BIN)/zensical build --config-file mkdocs.yml --strict --clean

reference: $(READY)  ## the pages of docs/reference that are made of the code
	@$(BIN)/python -m tools.reference

dist: $(READY)  ## dist/: a wheel that needs no repository, and the versions that it is tested with
	@rm -rf dist
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@cp constraints.txt dist/
	@ls -l dist

dist-check: $(READY)  ## that wheel in an empty environment, in another folder: the demo to its end; some minutes
	@$(BIN)/python -m pytest -m registry tests/deploy/test_wheel.py $(ARGS)

peers: $(READY)  ## this job on other systems, side by side: make peers ARGS="--events 20000 --rounds 1" for a small one
	@PYTHONPATH=. $(BIN)/python -m tests.bench.peers $(ARGS)

peers-check: $(READY)  ## every peer with few events: whether they all have the same answer
	@$(BIN)/python -m pytest -m registry tests/bench/test_peers.py $(ARGS)

bench-quick: $(READY)  ## two minutes: ratios to ClickHouse alone, and to fetching and decoding alone
	@PYTHONPATH=. $(BIN)/python -m tests.bench.peers --quick --events 200000 --rounds 2 $(ARGS)

kubernetes: $(READY)  ## deploy/kubernetes built and checked by kustomize and kubeconform, which Go installs the first time
	@PYTHONPATH=. $(BIN)/python deploy/kubernetes/generate.py
	@INSTALL=1 $(BIN)/python -m pytest -rs tests/deploy/kubernetes $(ARGS)

dashboards: $(READY)  ## grafana/dashboards/nb, of the English ones and streams/texts/nb.toml
	@$(BIN)/python -m tools.dashboards

pictures: $(READY)  ## build/pictures: every dashboard on a screen, a phone and paper; and docs/page.png
	@PYTHONPATH=. $(BIN)/python -m tests.e2e.pictures

kafka:  ## a real Kafka broker on 127.0.0.1 in the foreground, gone with its data on Ctrl-C: make kafka PORT=9092
	@$(PYTHON) -m deploy.kafka.broker --port $(or $(PORT),9092)

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maalstrom needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@echo "installing maalstrom into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:  ## forget the environment and every cache
	rm -rf $(VENV) dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
