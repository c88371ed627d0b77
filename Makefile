# A newcomer needs `make demo` and `make test`; `make help` lists the rest.
#
# ENGINE=cpu|gpu chooses the vLLM build (default: gpu where an NVIDIA GPU answers).
# PYTHON=/path/to/python3.11 names the interpreter (default: looked for).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-slurm bench zoo lint lock clean

ENGINE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
ifeq ($(filter cpu gpu,$(ENGINE)),)
$(error ENGINE is '$(ENGINE)', but must be cpu or gpu)
endif

LOCK := lock-$(ENGINE).txt
# The torch that the pinned vLLM was built for; only `make lock` reads it.
TORCH := 2.13.0
# Used only where pip, as it is configured, does not find the CPU build of torch.
TORCH_INDEX := https://download.pytorch.org/whl/cpu
PIP := .venv/bin/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --no-deps --no-compile --no-build-isolation

# A stamp is named by a hash of what it vouches for, and written last: an interrupted set-up has none. Contents are hashed, not
# dates, so that changing branches to and fro rebuilds nothing; the folder counts because a venv does not survive being moved.
fingerprint = $(shell { echo "$(ENGINE) $(CURDIR)"; cat $(1); } | sha256sum | cut -c1-16)
LOCK_STAMP := .venv/.locked-$(call fingerprint,$(LOCK))
SETUP_STAMP := .venv/.ready-$(call fingerprint,$(LOCK) pyproject.toml)

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /\1\t/' | expand -t 12

setup: $(SETUP_STAMP)  ## Build .venv from the lock (only when the lock changed)

demo: setup  ## Serve a disguised real model, and say whose descendant it is
	@.venv/bin/kinprint demo out=outputs/demo

# One thread a worker: more of them than cores wait for each other.
test: setup  ## Run the tests (ARGS='-k word' goes to pytest)
	@OMP_NUM_THREADS=1 .venv/bin/python -m pytest --numprocesses=2 --dist=loadfile $(ARGS)

test-slow: setup  ## Run the proofs in full, of which `make test` has smaller versions
	@.venv/bin/python -m pytest --slow -m slow $(ARGS)

test-slurm: setup  ## Prove batches on a Slurm of one node (installs and starts it: root on Debian or Ubuntu)
	@tests/slurm/one_node.sh .venv/bin/python -m pytest tests/slurm $(ARGS)

bench: setup  ## Measure what is promised (about 50 minutes; BENCH=capture or scale for one table, ARGS=smollm2 for one row)
	@for name in $(or $(BENCH),capture scale); do .venv/bin/kinprint bench $$name $(ARGS); done

zoo: setup  ## Make the zoo again, or PART=smollm2 of it; resumes (ARGS='only=[NAME]')
	@.venv/bin/kinprint zoo derive zoo=$(or $(PART),all) $(ARGS)

lint: setup  ## Check style and types
	@.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict probes analysis

clean:  ## Remove .venv and everything built (fetched models stay in their cache)
	@rm -rf .venv outputs multirun build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Sets the shell variable `python` to a Python 3.11, or ends with one sentence.
define find_python
python=
for name in "$(PYTHON)" python3.11 python3 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.11.*/bin/python3.11; do
	if [ -n "$$name" ] && "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
		python=$$name; break
	fi
done
if [ -z "$$python" ]; then
	echo "kinprint needs Python 3.11 with its venv module, and none was found: install it (Debian and Ubuntu: python3.11-venv;" \
		"anywhere: pyenv install 3.11), or name one with 'make PYTHON=/path/to/python3.11 ...'." >&2
	exit 2
fi
endef

# Prints how far pip has come: it is silent for a minute otherwise, or says 400 lines.
define show_progress
awk -v all="$$(grep -c == $(LOCK))" '
	{ print > ".venv/set-up.log" }
	/^Collecting / && ++n % 30 == 0 { print "   " n " of " all " packages"; fflush() }
	/^Installing collected/ { print "   unpacking"; fflush() }'
endef

$(LOCK_STAMP):
	@if [ "$$(uname -sm)" != "Linux x86_64" ]; then
		echo "kinprint's set-up is pinned for Linux x86_64, and this is $$(uname -sm): install the package with pip instead." >&2
		exit 2
	fi
	$(find_python)
	start=$$SECONDS
	echo "== Making .venv with $$("$$python" --version) for vLLM on the $(ENGINE) (pins: $(LOCK))"
	rm -rf .venv
	"$$python" -m venv .venv
	# The one package that has no wheel is built with the pinned setuptools, so that comes first.
	grep -A1 '^setuptools==' $(LOCK) > .venv/setuptools.txt
	$(INSTALL) --quiet --require-hashes -r .venv/setuptools.txt
	if [ $(ENGINE) = cpu ]; then
		echo "== Installing torch for the CPU (about 190 MB)"
		grep -A1 '^torch==' $(LOCK) > .venv/torch.txt
		if ! $(INSTALL) --quiet --require-hashes -r .venv/torch.txt 2> .venv/torch.log; then
			echo "   pip as configured does not give it; asking PyTorch's own CPU index, $(TORCH_INDEX)"
			if ! $(INSTALL) --quiet --require-hashes --extra-index-url $(TORCH_INDEX) -r .venv/torch.txt 2>> .venv/torch.log; then
				tail -n 3 .venv/torch.log >&2
				echo "The CPU build of torch could not be installed, neither with pip as configured nor from $(TORCH_INDEX):" \
					"check the network, or point PIP_FIND_LINKS at a folder with the wheel that .venv/torch.txt names," \
					"then run the same command again (pip's messages: .venv/torch.log)." >&2
				exit 2
			fi
		fi
	fi
	echo "== Installing the other pinned packages$(if $(filter cpu,$(ENGINE)), (about 580 MB), (several GB))"
	$(INSTALL) --require-hashes -r $(LOCK) | $(show_progress)
	touch $@
	echo "== .venv holds the pinned packages ($$((SECONDS - start)) s)"

$(SETUP_STAMP): $(LOCK_STAMP)
	@echo "== Installing kinprint itself, editable"
	$(INSTALL) --quiet --editable .
	touch $@

# pip's own report of a dry run, written as pins: one file a package, named by its hash, and no address.
define PINS
import json, sys
report, engine, *left_out = sys.argv[1:]
print(f"# Made by `make lock` from pyproject.toml, extras {engine} and dev, for Linux x86-64, Python 3.11, glibc 2.34 or newer.")
if left_out:
    print(f"# Left out (the Makefile says why): {', '.join(left_out)}.")
pins = {}
for item in json.load(open(report, encoding="utf-8"))["install"]:
    name = item["metadata"]["name"].lower().replace("_", "-").replace(".", "-")
    if name not in {"kinprint", *left_out}:
        pins[name] = item["metadata"]["version"], item["download_info"]["archive_info"]["hashes"]["sha256"]
for name, (version, sha256) in sorted(pins.items()):
    print(f"{name}=={version} \\\n    --hash=sha256:{sha256}")
endef
export PINS

# Left out on the CPU: torchvision, torchaudio and torchcodec, whose published builds are for CUDA and break the CPU's torch;
# triton, a compiler for GPUs (286 MB, 1 GB unpacked), which the CPU build of vLLM does without.
# `===` keeps the GPU's lock from taking a CPU build of torch that pip may be configured to prefer.
lock:  ## Resolve both locks anew from pyproject.toml
	@$(find_python)
	work=$$(mktemp -d)
	trap 'rm -rf "$$work"' EXIT
	"$$python" -m venv "$$work/venv"
	pip="$$work/venv/bin/python -m pip --disable-pip-version-check --quiet"
	echo "== Resolving lock-cpu.txt"
	fetch="$$pip download --no-deps --dest $$work/wheels torch==$(TORCH)+cpu"
	$$fetch 2>/dev/null || $$fetch --extra-index-url $(TORCH_INDEX)
	resolve="$$pip install --dry-run --ignore-installed"
	$$resolve --report "$$work/cpu.json" --find-links "$$work/wheels" '.[cpu,dev]'
	echo "== Resolving lock-gpu.txt"
	$$resolve --report "$$work/gpu.json" '.[gpu,dev]' 'torch===$(TORCH)'
	"$$python" -c "$$PINS" "$$work/cpu.json" cpu torchvision torchaudio torchcodec triton > "$$work/lock-cpu.txt"
	"$$python" -c "$$PINS" "$$work/gpu.json" gpu > "$$work/lock-gpu.txt"
	mv "$$work/lock-cpu.txt" "$$work/lock-gpu.txt" .
	rm -rf build *.egg-info
