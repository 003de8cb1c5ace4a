# The commands of this project; `make` alone lists them.
# Everything that they install lies in .venv and .cache, both of which may be deleted at any time.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: help demo test check acceptance bench docs lock clean

help:
	@echo "make demo        build the example into an image, run it, show that it is healthy"
	@echo "make test        set up what the tests need, and run them"
	@echo "make check       ruff, mypy and the import rule"
	@echo "make acceptance  proofs that are too long for every run"
	@echo "make bench       speed against peers, as ratios"
	@echo "make docs        write the generated reference anew"
	@echo "make lock        pin the dependencies anew"

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ferrule needs Python 3.11 or newer; set PYTHON=")'
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	@$(RUN) -m examples.demo

test: $(STAMP)
	@$(RUN) -m tests.parts.debian
	@$(RUN) -m tests.parts.bases
	@$(RUN) -m tests.parts.judges
	@$(RUN) -m pytest -m "not acceptance"

check: $(STAMP)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo 2>/dev/null || $(VENV)/bin/lint-imports

acceptance: $(STAMP)
	@$(RUN) -m tests.parts.debian
	@$(RUN) -m pytest -m acceptance -s

bench: $(STAMP)
	@$(RUN) -m tests.parts.debian
	@$(RUN) -m benchmarks

docs: $(STAMP)
	@$(RUN) -m docs.reference.generate

lock: $(STAMP)
	@$(RUN) -m pip install --quiet pip-tools
	@$(RUN) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header --output-file requirements/run.txt pyproject.toml
	@$(RUN) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header \
	  --constraint requirements/run.txt --output-file requirements/dev.txt pyproject.toml requirements/dev.in
	@$(RUN) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header --extra zig \
	  --constraint requirements/run.txt --output-file requirements/zig.txt pyproject.toml
	@$(RUN) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-header \
	  --output-file requirements/judges.txt requirements/judges.in

clean:
	rm -rf $(VENV) .cache examples/*/target
