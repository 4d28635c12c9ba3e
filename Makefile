# PORT (8000) and ALLIANCE_HOME (.alliance) are honoured; .env.sample describes every variable.

PYTHON ?= python3
BIN = .venv/bin
STACK = $(BIN)/python -m alliance_site.stack
MINIMUM = import sys; sys.exit(None if sys.version_info >= (3, 11) else "Alliance needs Python 3.11 or newer: make demo PYTHON=python3.11")

.PHONY: help demo run migrate backup restore sbom setup tools chromium check test bench bench-imports bench-recompute bench-scoring bench-service bench-signals faults seeded-faults shared-pool bad-inputs verify-audit screenshots messages

help:
	@echo "make demo         start with invented clients to look at"
	@echo "make run          start with your own data"
	@echo "make backup       TO=folder APART=another folder: everything, and apart from it the keys"
	@echo "make restore      FROM=folder/alliance-… APART=another folder, ALLIANCE_HOME=an empty one"
	@echo "make check test   lint, types and configuration; tests"
	@echo "make faults       kill, hang and fill up what can be, and look for what is lost"

# exec: a signal that make is sent reaches the supervisor, not a shell in between.
demo run: setup
	@exec $(STACK) $@

migrate: setup
	@$(STACK) migrate

# docs/operations.md
backup: setup
	@exec $(BIN)/python -m alliance_site.backup backup --to "$(TO)" $(if $(APART),--apart "$(APART)")

restore: setup
	@exec $(BIN)/python -m alliance_site.backup restore --from "$(FROM)" $(if $(APART),--apart "$(APART)")

sbom: setup
	@$(BIN)/python -m alliance_site.sbom > sbom.json

setup: .venv/installed

tools: .venv/installed-dev

.venv/bin/pip:
	@$(PYTHON) -c '$(MINIMUM)'
	@umask 022 && $(PYTHON) -m venv .venv

.venv/installed: requirements.lock | .venv/bin/pip
	@$(call install,$<)
	@touch $@

.venv/installed-dev: requirements-dev.lock | .venv/bin/pip
	@$(call install,$<)
	@touch $@ .venv/installed

# uv is four times as fast; where it can't be had or can't reach the index, pip does the same.
define install
umask 022; echo "Installing $(1) into .venv"; \
  test -x $(BIN)/uv || $(BIN)/pip install --quiet uv; \
  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) || \
  $(BIN)/pip install --quiet --require-hashes -r $(1)
endef

chromium:
	@command -v chromium >/dev/null || \
	  { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq chromium fonts-dejavu-core; } || \
	  { echo "The browser tests need Chromium: sudo apt-get install chromium fonts-dejavu-core" >&2; exit 1; }

# On stderr bandit repeats every exception that has a name. mypy and the Django checks read the settings, so they get
# servers to read about.
check: tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive . 2>/dev/null
	@HTTPS=1 $(STACK) test-engines sh -exc \
	  'mypy .; python manage.py makemigrations --check; python manage.py check --deploy --fail-level WARNING'

test: tools chromium
	$(BIN)/pytest -n 2 --dist loadfile

# FULL=1 takes a night.
faults: tools
	@for part in rounds control without-redis editors; do $(BIN)/python -m tests.faults $$part || exit 1; done

bench: setup
	$(BIN)/python -m bench
	$(BIN)/python -m bench.service

bench-service: setup
	$(BIN)/python -m bench.service $(ARGS)

bench-scoring: setup
	$(BIN)/python -m bench.score_answers

bench-imports: setup
	$(BIN)/python -m bench.imports

bench-recompute: setup
	$(BIN)/python -m bench.recompute

bench-signals: setup
	$(BIN)/python -m bench.signals $(ARGS)

# A hundred faults of authorisation, and which row of the access tables notices each.
seeded-faults: tools
	SEEDED=all $(BIN)/pytest -q -s -p no:logging tests/access/test_seeded_faults.py

# 10,000 bad inputs over forms, queries, the API, files and links: how many were refused, and what broke.
bad-inputs: tools
	ALLIANCE_BAD_INPUTS=10000 $(BIN)/pytest -q -s -p no:logging tests/access/test_bad_inputs.py -k badly

# 10,000 requests of two services over one pool of connections: how many rows they were told, and how many foreign ones.
shared-pool: tools
	ALLIANCE_POOL_REQUESTS=10000 $(BIN)/pytest -q -s -p no:logging tests/access/test_shared_pool.py

# 100,000 sealed events, 1,000 of them tampered with: all named, with the seconds it takes.
verify-audit: tools
	ALLIANCE_AUDIT_EVENTS=100000 $(BIN)/pytest -s tests/accounts/test_chain.py -k many_tamperings

screenshots: tools chromium
	ALLIANCE_SCREENSHOTS=1 $(BIN)/pytest -m screenshots

# After a change of words on the clients' pages; needs GNU gettext. Translate what is new in the .po files, then once more.
messages: setup
	@$(STACK) test-engines sh -exc \
	  'python manage.py makemessages -l de -l ar --no-location --no-obsolete --no-wrap -i .venv -i tests -i bench; \
	   python manage.py compilemessages -i .venv'
