# Everything starts here: each target makes `.venv` itself when it is missing, and does nothing twice.
#   make reproduce TIER=smoke PAPER=joint_attention
#   make test EXTRAS=notebooks,test,photographs,peers

PYTHON ?= python3
TIER   ?= smoke
PAPER  ?=
FOLDS  ?= 1
JOBS   ?=
EXTRAS ?= notebooks,test
SLOW   ?=

BIN   := .venv/bin
STAMP := .venv/.ready

# The stamp holds the extras that are installed. Asking for another one makes it out of date; asking for fewer does not.
comma     := ,
empty     :=
space     := $(empty) $(empty)
INSTALLED := $(shell cat $(STAMP) 2>/dev/null)
WANTED    := $(sort $(INSTALLED) $(subst $(comma), ,$(EXTRAS)))
NEW       := $(filter-out $(INSTALLED),$(WANTED))
INSTALL   := $(BIN)/python -m pip install -qq --no-compile
ITSELF    := -e '.[$(subst $(space),$(comma),$(WANTED))]'

# Said every 10 seconds while a recipe's line goes on, so that a log shows that it lives. The sleeping process must not
# hold the log's pipe, or whoever reads it would wait for that process too.
ticker = while sleep 10 >/dev/null 2>&1; do echo '  $(1) ...'; done & trap "kill $$!" EXIT;

.PHONY: help setup reproduce test test-slurm lint notebooks bench clean new-extras
.DEFAULT_GOAL := help

help:
	@echo 'make setup       install into .venv and bake the faces, with the extras EXTRAS=$(EXTRAS)'
	@echo 'make reproduce   train, print the tables, draw the figures: TIER=smoke|laptop|gpu|paper, PAPER=name (all without),'
	@echo '                 FOLDS=1..3, JOBS=runs at once'
	@echo 'make test        lint, then run the tests; SLOW=1 trains every method too, as CI does'
	@echo 'make test-slurm  a small grid on a Slurm of one node, which it starts on this machine (root, Debian)'
	@echo 'make lint        ruff and mypy'
	@echo 'make notebooks   open the notebooks in JupyterLab'
	@echo 'make bench       measure speed against other packages'
	@echo 'make clean       remove .venv, caches and runs/ (baked faces and generated data stay in the cache directory)'

setup: $(STAMP)
	@:

$(STAMP): pyproject.toml constraints.txt $(if $(NEW),new-extras)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("facelib needs Python 3.11 or newer, this is " \
		+ sys.version.split()[0] + ": choose another with make PYTHON=python3.11")'
	@echo 'Installing into .venv: $(WANTED)'
	@$(PYTHON) -m venv .venv
	@$(call ticker,still installing) $(INSTALL) -c constraints.txt $(ITSELF) || { \
		echo 'Versions of constraints.txt cannot be had, perhaps since one was withdrawn: the newest ones are taken'; \
		$(INSTALL) $(ITSELF); }
	@# Byte-compiled here on all cores rather than by pip on one; a few packages carry files that no Python 3 compiles.
	@$(call ticker,still compiling) $(BIN)/python -m compileall -qq -j 0 .venv/lib || true
	@# Baking the face model, once a user, takes half a minute, and compiling what draws faces a quarter of one: tests,
	@# runs and the first photograph then find them.
	@$(BIN)/facelib faces >/dev/null
	@$(BIN)/facelib faces --sheet 1 -o .venv/face.png >/dev/null
	@echo $(WANTED) > $@

reproduce: setup
	@$(BIN)/facelib reproduce --tier $(TIER) --folds $(FOLDS) $(if $(PAPER),--paper $(PAPER)) $(if $(JOBS),--jobs $(JOBS))

test: lint
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile $(if $(SLOW),,-m 'not slow')

test-slurm:
	@$(MAKE) --no-print-directory setup EXTRAS=$(EXTRAS),slurm
	@PYTHON=$(BIN)/python tests/cluster/one_node_slurm.sh

lint: setup
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(call ticker,still checking types) $(BIN)/mypy --no-error-summary

notebooks: setup
	@$(BIN)/jupyter lab notebooks/00_start_here.ipynb

bench:
	@$(MAKE) --no-print-directory setup EXTRAS=$(EXTRAS),peers
	@$(BIN)/facelib bench

clean:
	rm -rf .venv runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
