# `make rehearsal` and `make test` set up what they need by themselves.
#
#   make rehearsal   the three stages against the embedded ChefCloud
#   make test        this project's own tests        (ARGS="-k verdict" passes options on)
#   make lint        ruff and mypy
#   make bench       the measured ratios of docs/
#   make setup       .venv with the pinned libraries, and a Chromium
#   make mutants     what no test of runbook/ notices   (ARGS="pytest_chefrelease.runbook.freeze*")
#   make docs        docs/reference.md anew, from the code, and the site in build/docs
#   make sbom        build/sbom.cdx.json: what the wheel brings, with licences
#   make lock        requirements.txt anew           (UPGRADE=1 takes newer versions)
#   make clean       removes what the above made

PYTHON ?=
JOBS ?= 2
BIN := .venv/bin
STAMPS := .venv/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup rehearsal test lint bench mutants docs sbom lock clean

setup: $(STAMPS)/installed $(STAMPS)/chromium

$(STAMPS)/venv:
	PYTHON="$(PYTHON)" scripts/system-setup.sh venv
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/requirements: requirements.txt $(STAMPS)/venv
	@echo "setup: installing the pinned libraries (a minute or two)"
	$(PIP) install --quiet --require-hashes -r requirements.txt
	@touch $@

# Entry points and versions come from pyproject.toml; the code itself is used in place.
$(STAMPS)/installed: pyproject.toml $(STAMPS)/requirements
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/chromium: $(STAMPS)/requirements
	scripts/system-setup.sh chromium
	@touch $@

$(STAMPS)/redis: $(STAMPS)/venv
	scripts/system-setup.sh redis
	@touch $@

$(STAMPS)/pgbouncer: $(STAMPS)/venv
	scripts/system-setup.sh pgbouncer
	@touch $@

$(STAMPS)/prometheus: $(STAMPS)/venv
	scripts/system-setup.sh prometheus
	@touch $@

# The real Prisma, as an oracle in tests; nothing of what it brings is run while it is installed.
$(STAMPS)/prisma: $(wildcard tests/prisma/*) $(STAMPS)/venv
	scripts/system-setup.sh node
	@mkdir -p .venv/prisma && cp tests/prisma/* .venv/prisma/
	npm ci --prefix .venv/prisma --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Locust patches sockets and threads of its whole process, and brings other libraries than ours:
# it has an environment of its own.
$(STAMPS)/locust: tests/locust/requirements.txt $(STAMPS)/venv
	$(BIN)/python -m venv --clear .venv/locust
	.venv/locust/bin/python -m pip --disable-pip-version-check install --quiet \
		--require-hashes -r tests/locust/requirements.txt
	@touch $@

rehearsal: setup
	$(BIN)/chefrelease rehearse $(ARGS)

# Tests that measure time, and browsers, have the machine for themselves.
test: setup $(STAMPS)/redis $(STAMPS)/pgbouncer $(STAMPS)/prometheus $(STAMPS)/prisma \
		$(STAMPS)/locust
	$(BIN)/pytest tests -m alone --timeout 600 $(ARGS)
	$(BIN)/pytest tests -m "not alone" -n $(JOBS) --dist worksteal --timeout 300 $(ARGS)

lint: $(STAMPS)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)

mutants: $(STAMPS)/installed
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

docs: $(STAMPS)/installed
	$(BIN)/python scripts/reference.py
	$(BIN)/mkdocs build --quiet

# In an environment that holds nothing but the wheel and what it brings.
sbom: $(STAMPS)/installed
	rm -rf build/sbom && mkdir -p build/sbom
	$(BIN)/python -m hatchling build -t wheel -d build/sbom
	$(BIN)/uv venv --quiet --python $(BIN)/python build/sbom/environment
	$(BIN)/uv pip install --quiet --python build/sbom/environment --no-verify-hashes \
		--constraint requirements.txt build/sbom/*.whl
	$(BIN)/cyclonedx-py environment build/sbom/environment --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.cdx.json

lock: $(STAMPS)/requirements
	$(BIN)/uv pip compile pyproject.toml --extra all --group dev --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--quiet $(if $(UPGRADE),--upgrade) --output-file requirements.txt
	$(BIN)/uv pip compile tests/locust/requirements.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
		$(if $(UPGRADE),--upgrade) --output-file tests/locust/requirements.txt

clean:
	rm -rf .venv build dist mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find reports -mindepth 1 ! -name .gitignore -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
