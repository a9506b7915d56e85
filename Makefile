# Everything this project does, from the root. `make` alone shows this list.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help ocr test lab serve train-workers scale tensorboard data full bench bench-serve clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: requirements.txt setup_venv.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=/path/to/python3.11")'
	@if command -v uv >/dev/null; then uv venv --quiet --clear --python $(PYTHON) .venv && \
		uv pip install --quiet --python $(BIN)/python -r requirements.txt; \
	else $(PYTHON) -m venv --clear .venv && \
		$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt; fi
	@$(BIN)/python setup_venv.py
	@touch $@

ocr: .venv/ready  ## environment, data, training, curves, reads: the main job, in minutes
	$(BIN)/ipython --no-banner ocr.ipynb

test: .venv/ready  ## check everything: pytest --nbval over the notebooks, and tests/
	$(BIN)/python -m pytest

lab: .venv/ready  ## open JupyterLab
	$(BIN)/jupyter lab

.venv/scale: .venv/ready requirements-scale.txt
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python -r requirements-scale.txt; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-scale.txt; fi
	@touch $@

scale: .venv/scale  ## install what many processes need: JAX to train, Dask to read archives

N ?= 2
NAME ?= mine
DATA ?= $$($(BIN)/python -c "import utils; print(utils.find_captchas()[0])")
train-workers: .venv/scale  ## train a CAPTCHA reader with N=2 processes; DATA=FOLDER NAME=mine for your own images
	$(BIN)/python train.py captcha --data "$(DATA)" --name $(NAME) --workers $(N)

.venv-serve/ready: requirements-serve.txt
	$(PYTHON) -m venv --clear .venv-serve
	.venv-serve/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-serve.txt
	@touch $@

serve: .venv-serve/ready  ## the readers as a web page and an API at http://127.0.0.1:8000; no TensorFlow
	.venv-serve/bin/gunicorn -c app/gunicorn.conf.py

tensorboard: .venv/ready  ## compare the trainings that have run, curve by curve, in the browser
	$(BIN)/tensorboard --logdir logs

data: .venv/ready  ## find, download (EMNIST: 536 MiB) or draw the data
	$(BIN)/python download.py

full: .venv/scale  ## run the notebooks in the full profile, as they are stored (hours); leaves models/captcha/ and the others
	OCR_PROFILE=full $(BIN)/jupyter execute --inplace --timeout=-1 ocr.ipynb notebooks/*.ipynb

bench: .venv/ready  ## measure: milliseconds an image, memory over 100,000 images, exact match over five seeds
	$(BIN)/python bench.py

bench-serve: .venv/ready  ## the server under load, its cold start, damaged uploads (wrk makes the load)
	$(BIN)/python -m app.bench

clean:  ## remove the environment, checkpoints, drawn data and quick readers
	rm -rf .venv .venv-serve .cache data/drawn figures logs models/quick
