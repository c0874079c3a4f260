# make demo   denoise a bundled stack; the results appear in demo_output/
# make test   lint, types, manifest and the whole test suite
# make coverage   the test suite, and which lines it runs; fails below 95 %
# make wheel-check   the wheel in an environment of its own: widget, menu and samples in a window
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Environment, wheel and preferences of `make wheel-check`, some 2 GB; it is deleted at the end.
CLEAN := build/wheel-check

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_INSTALL := $(SUDO) apt-get update -q && \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends

# What Qt 6 and OpenGL need to open a window on a screen that exists only in memory.
DISPLAY_PACKAGES := xvfb xauth libgl1 libegl1 libopengl0 libgl1-mesa-dri libglib2.0-0 \
	libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 \
	libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-render0 \
	libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-util1 libxcb-xfixes0 libxcb-xinerama0 \
	libxcb-xkb1

.PHONY: demo test install install-test lint types manifest pytest coverage wheel-check bench-check display clean

demo: install
	$(BIN)/blindspot demo --output demo_output

test: install-test lint types manifest pytest

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than Python 3.11; use: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || ! command -v apt-get >/dev/null || { \
		$(APT_INSTALL) python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.installed

lint: install-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install-test
	$(BIN)/mypy

manifest: install-test
	$(BIN)/npe2 validate --imports napari-blindspot

# Without xvfb-run, tests/conftest.py skips what needs a display where there is none, and says so.
pytest: install-test display
	@screen=; command -v xvfb-run >/dev/null && screen='xvfb-run -a -s "-screen 0 1280x1024x24"'; \
	eval "$$screen $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal $(PYTEST_OPTIONS)"

# The same tests take a fifth longer with it.
coverage: PYTEST_OPTIONS := --cov --cov-report=term --cov-report=xml
coverage: pytest

# Python's -I keeps out the checkout; napari reads the preferences from the file that is named.
wheel-check: display
	rm -rf $(CLEAN)
	$(PYTHON) -m venv $(CLEAN)/venv
	$(CLEAN)/venv/bin/python -m pip wheel -q --no-deps -w $(CLEAN) .
	wheel=$$(echo $(CLEAN)/*.whl) && \
		$(CLEAN)/venv/bin/python -m pip install -q -c constraints.txt "$$wheel[napari]"
	@screen=; command -v xvfb-run >/dev/null && screen='xvfb-run -a -s "-screen 0 1280x1024x24"'; \
	eval "NAPARI_CONFIG=$(abspath $(CLEAN))/settings.yaml $$screen \
		$(CLEAN)/venv/bin/python -I tests/clean_environment.py"
	rm -rf $(CLEAN)

bench-check: install-test
	$(BIN)/python benchmarks/check.py

display:
	@if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then \
		echo "No apt here: display libraries are taken as they are."; exit 0; fi; \
	installed=" $$(dpkg-query -W -f='$${db:Status-Status} $${Package} $${Provides}\n' \
		| sed -n 's/^installed //p' | tr -s ',\n' '  ') "; \
	missing=; \
	for package in $(DISPLAY_PACKAGES); do \
		case "$$installed" in *" $$package "*) ;; *) missing="$$missing $$package";; esac; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ -n "$(SUDO)" ] && ! command -v sudo >/dev/null; then \
		echo "Not installed, for want of root or sudo:$$missing"; exit 0; fi; \
	$(APT_INSTALL) $$missing

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage coverage.xml \
		build dist demo_output
