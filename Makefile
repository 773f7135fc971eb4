# Two commands do all the set-up: `make demo` and `make test`. What they install is
# pinned; `make check-install` tests what a user gets today.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo demo-tasks test check-install bench lint clean

demo: $(VENV)/.installed
	$(BIN)/python tools/demo.py --work-dir work_dirs/demo --data-root data/demo

# Further tasks, from the streams that `make demo` has trained: not needed to set up.
demo-tasks: $(VENV)/.installed
	$(BIN)/python tools/demo_tasks.py --work-dir work_dirs --data-root data

test: $(VENV)/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

# A wheel of this tree in a new environment without pins, on the newest Python found.
check-install:
	.ci/check_install

# Ratios to MMAction2 and to bounds, on an idle machine: see docs/performance.md.
bench: $(VENV)/.installed
	$(BIN)/python tools/benchmarks/run_all.py --out work_dirs/bench

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The stamp is the last line's work: an interrupted installation starts again.
# pip 24.0: newer ones reject decord 0.6.0 in `pip check` for a wrong tag in its metadata.
$(VENV)/.installed: setup.py pyproject.toml $(wildcard requirements/*.txt)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q pip==24.0
	$(BIN)/python -m pip install -q -c requirements/constraints.txt setuptools wheel torch
	$(BIN)/python -m pip install -q -c requirements/constraints.txt \
		-r requirements/demo.txt -r requirements/tests.txt \
		--no-build-isolation -e .
	$(BIN)/python -m pip check
	touch $@

clean:
	rm -rf $(VENV) work_dirs build *.egg-info
