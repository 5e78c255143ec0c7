# Gemma MLX: `make demo` sets everything up and shows the main job, `make test` passes all tests. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
RUN := $(VENV)/bin/python
# The tests need no screen; ARGS adds options: make quick ARGS="-k tokenizer -x"
PYTEST := QT_QPA_PLATFORM=offscreen $(RUN) -m pytest
export PYTHON
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup venv runtime app-packages dev demo app test quick lint format equivalence report bench screenshots bundle wheels release lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

venv:
	@sh tools/make_venv.sh

# Each of these is done at once when the lock, pyproject.toml and the folder's place are as they were.
runtime: venv
	@$(RUN) tools/install.py runtime

app-packages: venv
	@$(RUN) tools/install.py app
	@$(RUN) tools/qt_libraries.py

dev: venv
	@$(RUN) tools/install.py dev
	@$(RUN) tools/qt_libraries.py

setup: runtime ## makes .venv and installs what the program needs
	@echo "Ready: $(VENV)/bin/gemma-mlx --help"

demo: runtime ## the main job on the embedded model: answers before, fine-tuning, answers after
	@$(RUN) -m gemma_mlx demo $(ARGS)

app: app-packages ## the desktop app
	@$(RUN) -m gui.app $(ARGS)

test: dev ## all tests but those of equivalence and wheels, without a screen
	@$(PYTEST) -n 2 --dist loadfile -m "not reference and not wheels" $(ARGS)

quick: dev ## the tests that take less than ten seconds each
	@$(PYTEST) -q -m "not slow and not reference" $(ARGS)

lint: dev ## ruff, the type checker and the import rules
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --cache-dir .import_linter_cache

format: dev ## formats the code and sorts its imports
	$(RUN) -m ruff check --fix-only .
	$(RUN) -m ruff format .

equivalence: dev ## compares with PyTorch, transformers and PEFT, installed for it
	@$(RUN) tools/install.py equivalence
	@$(PYTEST) -n 2 --dist loadfile -m reference $(ARGS)

report: dev ## writes tests/equivalence/REPORT.md anew, mlx-lm beside us
	@$(RUN) -m tests.equivalence.write_report

bench: runtime ## side by side with mlx-lm on this machine
	@$(RUN) -m gemma_mlx bench $(ARGS)

screenshots: app-packages ## pictures of every page
	@QT_QPA_PLATFORM=offscreen $(RUN) -m gui.screenshots $(ARGS)

bundle: venv ## the application: a folder on Linux, Gemma MLX.app on a Mac
	@sh packaging/build.sh $(ARGS)

wheels: dev ## downloads the Mac's packages by the lock and checks that they fit into the app
	@$(PYTEST) -q -m wheels $(ARGS)

release: ## tags and pushes this version, which builds and publishes it
	@sh packaging/release.sh $(ARGS)

lock: venv ## writes requirements/*.txt anew from pyproject.toml (needs uv)
	@sh tools/lock.sh

clean: ## removes .venv and what was built; models, runs and chats are elsewhere and stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find gemma_mlx gui tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
