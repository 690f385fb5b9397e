# Everything is set up inside this folder, under .cache/, from PyPI. A second run is fast.
#   make demo       see a rotation on a fake organization of four servers
#   make check      while writing: ruff, mypy, the unit tests that the change can reach (a minute)
#   make test       before a change lands: all that it can break (less than an hour on two processors)
#   make test-long  before a release: the year, every variant, every ansible-core (hours);
#                   PART=list shows its parts of at most an hour, PART=year runs one
#   make faults     throw faults into a rotation at every point, and write docs/fault-matrix.md
#                   (hours; ARGS="--minutes 30")
#   make bench      measure, and write docs/benchmarks.md
#   make format     lay the Python code out
#   make connector-documentation  write the options of the connector modules from their table
#   make record-powershell  run the scripts in real PowerShell, and write the recordings of it
#   make clean      remove what was set up and written

PYTHON ?= python3
# Says in a sentence what is wrong when that Python is too old.
START := $(PYTHON) tests/tools/start.py

.DEFAULT_GOAL := help
.PHONY: help demo check test test-long faults bench format connector-documentation record-powershell clean

help:
	@sed -n 's/^#   //p' Makefile

demo:
	@$(START) environments.py newest --run python tests/demo/demo.py $(ARGS)

check:
	@$(START) run_checks.py --quick $(ARGS)

test:
	@$(START) run_checks.py $(ARGS)

test-long:
	@$(START) run_checks.py --long $(PART) $(ARGS)

faults:
	@$(START) environments.py newest --run python tests/faults/run.py $(ARGS)

bench:
	@$(START) environments.py newest --run python tests/bench/run.py $(ARGS)

format:
	@$(START) environments.py tools --run ruff format .

connector-documentation:
	@$(START) environments.py tools --run python tests/tools/connector_documentation.py $(ARGS)

record-powershell:
	@$(START) environments.py newest --run python tests/tools/record_powershell.py $(ARGS)

clean:
	rm -rf .cache .ansible dist tests/output importer_result.json changelogs/.plugin-cache.yaml
