# Needs Python 3.11 or newer, git and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench pictures tour clean

help:
	@echo "make demo      set up and make a first picture, cat.png"
	@echo "make test      style, types and every test"
	@echo "make lint      style and types alone"
	@echo "make bench     how fast pictures are on this machine, beside diffusers and OpenVINO"
	@echo "make pictures  the pictures of README and docs, again"
	@echo "make tour      the tour's pages run, their numbers compared, their pictures made again (PAGES=steps for one)"
	@echo "make clean     remove what the tools left behind (not $(VENV))"

demo: $(VENV)/.core
	$(BIN)/garasu txt2img "a black cat with yellow eyes" --seed 7 -o cat.png
	@echo "The picture is $(CURDIR)/cat.png"

# Two processes of one thread each: the full-size tests of both fit into 16 GB.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A selection that takes about ten minutes; `make bench BENCH=` measures everything there is.
BENCH := --subjects ours-bf16,diffusers-fp32,diffusers-bf16,openvino-bf16
BENCH += --measures step,step-half,decode,text,picture --budget 600

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.compare --size bundled --measures picture,pictures-1,step,decode
	$(BIN)/python -m benchmarks.compare $(BENCH)

pictures: $(VENV)/.dev
	$(BIN)/python docs/pictures.py

tour: $(VENV)/.dev
	$(BIN)/python -m docs.tour.build $(PAGES)

clean:
	rm -rf build dist cat.png .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps, so that a picture does not wait for the test tools and a second make installs nothing.

$(VENV)/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "garasu needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) torch  # first and alone, so that nothing else chooses its build
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.bench: $(VENV)/.core
	$(INSTALL) --editable '.[bench]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(INSTALL) --editable '.[dev]'
	# Wanted for one file, CLIP's vocabulary, which its wheel carries. Its dependencies stay out: torchvision is
	# compiled against one build of torch, and the package itself is never imported.
	$(INSTALL) --no-deps open_clip_torch
	@touch $@
