# Everything is set up inside this folder, under .cache/, from PyPI. A second run is fast.
#   make demo    see a rotation on a fake organization of four servers
#   make check   the inner loop: ruff, mypy, unit tests on one Python (less than a minute)
#   make test    every check, on the oldest and the newest ansible-core
#   make faults  throw faults into a rotation at every point, and write docs/fault-matrix.md (hours; ARGS="--minutes 30")
#   make bench   measure, and write docs/benchmarks.md
#   make clean   remove what was set up and written

PYTHON ?= python3
TOOLS := tests/tools

.DEFAULT_GOAL := help
.PHONY: help demo check test faults bench format connector-documentation clean

help:
	@sed -n 's/^#   //p' Makefile

demo:
	@$(PYTHON) $(TOOLS)/environments.py newest --run python tests/demo/demo.py $(ARGS)

check:
	@$(PYTHON) $(TOOLS)/run_checks.py --quick $(ARGS)

test:
	@$(PYTHON) $(TOOLS)/run_checks.py $(ARGS)

faults:
	@$(PYTHON) $(TOOLS)/environments.py newest --run python tests/faults/run.py $(ARGS)

bench:
	@$(PYTHON) $(TOOLS)/environments.py newest --run python tests/bench/run.py $(ARGS)

format:
	@$(PYTHON) $(TOOLS)/environments.py tools --run ruff format .

connector-documentation:
	@$(PYTHON) $(TOOLS)/environments.py tools --run python $(TOOLS)/connector_documentation.py $(ARGS)

clean:
	rm -rf .cache .ansible dist tests/output importer_result.json changelogs/.plugin-cache.yaml
