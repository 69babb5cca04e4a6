# Haidang: `make demo` runs the city in small, `make test` runs all tests. Both install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Tests and benches start hundreds of processes: none should compile the whole program anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test lint schema record bench-node bench-sensors bench-forward bench-chaos bench-vision clean
help:
	@echo "make demo               the city in small, live in this terminal (Ctrl-C ends it)"
	@echo "make demo ONCE=1        the scripted scenario: exit code 0 when nothing was lost"
	@echo "make demo CAMERA=...    the same with your own video file or rtsp:// address"
	@echo "make demo BOARDS=/dev/ttyUSB0:smoke WIFI=name:key   with real boards"
	@echo "make test               all tests        make lint     the static gates"
	@echo "make setup              the commands haidang and haidang-gateway into .venv/bin"
	@echo "make bench-node         the node's figures: flash, power cuts, heap, traffic"
	@echo "make bench-sensors      the sensors' figures: false alarms, level, crowds, leaks"
	@echo "make bench-vision       the cameras' figures: networks, overhead, idle, memory"
	@echo "make bench-forward      the gateway's figures: forwarding beside its peers, alarms, growth"
	@echo "make bench-chaos        200 random faults on real processes, 5 minutes and more"
	@echo "make schema             schemas and reference page from the contract"
	@echo "make record             the README's picture from a real run"
	@echo "make clean              removes .venv, caches and what tests have left"
	@echo "Where to begin: docs/technician.md (tiếng Việt, English). Trouble: docs/troubleshooting.md"

setup: $(STAMP) system

$(STAMP): pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" sh tools/setup.sh venv
	@touch $@

.PHONY: system cameras
system cameras:
	@sh tools/setup.sh $@

demo: setup
	@$(BIN)/haidang demo $(if $(ONCE),--once) $(if $(CAMERA),--camera "$(CAMERA)") \
		$(foreach board,$(BOARDS),--board "$(board)") $(if $(WIFI),--wifi "$(WIFI)")

# More workers than cores: most tests wait for brokers, boards and timers.
test: setup cameras firmware/typings
	@$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: setup firmware/typings
	@sh tools/lint.sh

firmware/typings: $(STAMP)
	@rm -rf $@ && $(BIN)/pip install -q -c constraints.txt --no-deps --target $@ micropython-esp32-stubs micropython-stdlib-stubs && touch $@

schema: setup
	@$(BIN)/haidang schema

record: setup
	@$(BIN)/haidang demo --once --record docs/demo.svg

# The last line is one JSON object; the parts also run alone, see tests/bench/.
bench-node: setup
	@PYTHONPATH=tests $(BIN)/python -m bench.node

bench-sensors: setup
	@PYTHONPATH=tests $(BIN)/python -m bench.sensors

bench-vision: setup
	@PYTHONPATH=tests $(BIN)/python -m bench.vision

# A peer to compare with, in an environment of its own; where it cannot be had, the figures say so.
PEER := .cache/thingsboard
PEER_PACKAGE := thingsboard-gateway==3.8.5

bench-forward: setup
	@[ -x $(PEER)/bin/thingsboard-gateway ] || { echo "bench-forward: installing $(PEER_PACKAGE) into $(PEER)"; \
		$(BIN)/python -m venv $(PEER) && $(PEER)/bin/pip install -q --disable-pip-version-check $(PEER_PACKAGE); } \
		|| echo "bench-forward: $(PEER_PACKAGE) cannot be installed here: it is left out" >&2
	@PYTHONPATH=tests $(BIN)/python -m bench.forward $(ARGS)

bench-chaos: setup
	@PYTHONPATH=tests $(BIN)/python -m bench.chaos $(ARGS)

clean:
	rm -rf $(VENV) .cache var firmware/typings .mypy_cache .pytest_cache .ruff_cache .hypothesis
