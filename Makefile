# Every target sets up what it needs: Qt's system libraries, a Python environment in .venv and this package in it.
# On Windows, or without make, see "Without make" in README.md.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := out/demo
PACKAGE_PYTHON := python3.11
OFFSCREEN := QT_QPA_PLATFORM=offscreen
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal

export PYTHONFAULTHANDLER := 1
# Without bytecode every process compiles the program anew, and pytest rewrites all assertions again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := run
.PHONY: run demo test claims golden mutants check format docs checkpoints screenshots film sheets gallery site libraries browser package package-test lock clean

run: $(INSTALLED)  ## open the window; where there is no display, run the demo instead
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		echo "There is no display here, so this runs the demo offscreen instead of opening the window."; \
		$(MAKE) --no-print-directory demo; \
	else \
		env -u PYTHONFAULTHANDLER $(BIN)/score-playground; \
	fi

demo: $(INSTALLED)  ## train on two moons for a few seconds, sample, measure and paint a video
	@$(BIN)/score-playground run resources/experiments/two-moons.toml --out $(DEMO) --overwrite --set training.seconds=10
	@echo "The video of the demo is $(CURDIR)/$(DEMO)/video.mp4"

test: $(INSTALLED)  ## every test but the claims, offscreen; warnings are errors
	$(OFFSCREEN) $(BIN)/python -m pytest $(PARALLEL) -m "not alone and not claims"
	$(OFFSCREEN) $(BIN)/python -m pytest -m "alone and not claims"

claims: $(INSTALLED) browser  ## measure what scenes, lessons, docs, trainings and samplers claim, and every size of text
	$(OFFSCREEN) $(BIN)/python -m pytest $(PARALLEL) -m "claims and not alone"
	$(OFFSCREEN) $(BIN)/python -m pytest -m "claims and alone"

golden: $(INSTALLED)  ## record anew what small experiments give; CONTRIBUTING.md says when
	$(OFFSCREEN) $(BIN)/python -m tests.golden.record

mutants: $(INSTALLED)  ## seed wrong equations one at a time: the tests must catch each
	$(BIN)/python tests/mutants.py

check: $(INSTALLED)  ## format, lint, types, import rules, dead code, examples in docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/oxlint resources/web
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/vulture playground docs benchmarks packaging resources  # tests alone are no use
	$(OFFSCREEN) $(BIN)/python -m pytest -q --doctest-modules playground

format: $(INSTALLED)  ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED)  ## write docs/experiment.md and declared figures of docs/metrics.md from their own descriptions
	$(BIN)/python docs/make_experiment_reference.py
	$(BIN)/python docs/make_metrics.py

checkpoints: $(INSTALLED)  ## train the models that ship in resources/checkpoints
	$(BIN)/python resources/checkpoints/make_checkpoints.py

screenshots: $(INSTALLED)  ## paint the real window into docs/images
	$(OFFSCREEN) $(BIN)/python docs/images/make_screenshots.py

gallery: $(INSTALLED)  ## paint every scene and every step of a lesson in both themes, on one page in out/gallery
	$(OFFSCREEN) $(BIN)/python docs/images/make_gallery.py

film: $(INSTALLED)  ## film the real window for README, into docs/images
	$(OFFSCREEN) $(BIN)/python docs/images/make_film.py

sheets: $(INSTALLED)  ## paint every sampler on every toy, and digits, into docs/images
	$(OFFSCREEN) $(BIN)/python docs/images/make_sampler_sheets.py

site: $(INSTALLED)  ## the documentation as a site that needs no network, into out/site; with what moves: make site MOVING=yes
	$(OFFSCREEN) $(BIN)/python docs/site/make_site.py $(if $(MOVING),--moving)

package: site libraries  ## the program as a folder, .tar.xz and .deb (an installer on Windows, .dmg on macOS), into dist
	@packaging/install-system-libraries python3.11 python3.11-venv binutils xz-utils xkb-data
	$(PACKAGE_PYTHON) packaging/make_package.py $(if $(LOCK),--lock $(LOCK))

package-test:  ## the packaged program goes through a lesson; ROOT=folder of a bare system runs it inside that
	$(PACKAGE_PYTHON) packaging/package_test.py $(if $(ROOT),--root $(ROOT))

lock:  ## resolve the package's exact versions anew; needs uv
	$(PACKAGE_PYTHON) packaging/lock.py

libraries:  ## Qt's system libraries on Debian and Ubuntu
	@packaging/install-system-libraries

browser:  # in which web pages are tested, on Debian
	@command -v chromium chromium-browser google-chrome >/dev/null || packaging/install-system-libraries chromium

# Installed again only when the dependencies may have changed.
$(INSTALLED): pyproject.toml | libraries
	@packaging/make-environment $(VENV)
	@touch $@

clean:  ## remove the environment and everything made
	rm -rf $(VENV) out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
