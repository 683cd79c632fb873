# make help lists the commands.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
FLEET := .venv-fleet
FLEET_READY := $(FLEET)/ready
COLAB := .venv-colab
COLAB_READY := $(COLAB)/ready
SITE := .venv-site
SITE_READY := $(SITE)/ready

# 3.11 to 3.13, said in one line before anything is made; TensorFlow has no wheel for others.
CHECK_PYTHON = $(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
"Python: expected 3.11 to 3.13, found %d.%d. Mend it with, for instance: make PYTHON=python3.12" % v)'
# An environment in the folder of the target, with what pip is told: $(1).
define INSTALL
@$(CHECK_PYTHON)
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(1)
touch $@
endef
# Notebooks against their stored outputs: $(1) is the folder of an environment's programs, $(2) those of the notebooks.
NBVAL = folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	STUDY_PROFILE=smoke STUDY_RESULTS="$$folder/results" IPYTHONDIR="$$folder/ipython" \
	$(1)/python -m pytest --nbval --nbval-current-env --nbval-cell-timeout=1800 $(2)
# An edition of the notebooks in $(1), one folder below the top like them, so that links work; $(2) is what nbconvert changes.
STUDENT := student
TEACHER := teacher
EDITION = test ! -e $(1) || { echo "$(1): expected no such folder, found one, perhaps with work in it. \
	Mend it by moving it away." && exit 1; } && \
	$(BIN)/python -m nbconvert --to notebook --log-level WARN --output-dir $(1) $(2) notebooks/*.ipynb && echo "made: $(1)"

.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-colab test-fleet test-editions test-site lint unit notebooks student teacher \
	figures bench store badges site slides lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | awk -F'\t' '{printf "  make %-13s %s\n", $$1, $$2}'

run: $(READY) ## run the notebooks (live runs in results/live), draw the figures, print your table
	$(BIN)/python -m study notebooks
	$(BIN)/python -m study figures
	$(BIN)/python -m study table --live

test: $(READY) ## lint, unit tests, and every notebook against its stored outputs
	@failed=; for part in lint unit notebooks; do \
	$(MAKE) --no-print-directory $$part || failed="$$failed $$part"; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

unit: $(READY)
	$(BIN)/python -m pytest -m "not slow and not site"

notebooks: $(READY)
	$(call NBVAL,$(BIN),notebooks)

test-slow: $(READY) ## what takes long: killed processes, campaigns, whole runs
	$(BIN)/python -m pytest -m slow

test-colab: $(COLAB_READY) ## the helpers' tests and all notebooks under Colab's versions
	@failed=; $(COLAB)/bin/python -m pytest -m "not slow" tests/helpers || failed="$$failed helpers"; \
	{ $(call NBVAL,$(COLAB)/bin,notebooks); } || failed="$$failed notebooks"; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

test-fleet: $(FLEET_READY) ## many runs in one program with JAX: that its steps are TensorFlow's
	$(FLEET)/bin/python -m pytest -m slow tests/study/test_fleet.py

test-editions: $(READY) ## the students' and the teacher's edition, made and run
	rm -rf executed/student executed/teacher
	$(MAKE) --no-print-directory student teacher STUDENT=executed/student TEACHER=executed/teacher
	$(call NBVAL,$(BIN),executed/student executed/teacher)

figures: $(READY) ## draw figures/ from results/
	$(BIN)/python -m study figures

bench: $(READY) ## time our training step against a plain Keras one
	$(BIN)/python -m study bench

store: $(READY) ## maintainers: run the notebooks and store their outputs in notebooks/
	$(BIN)/python -m study notebooks --store

badges: $(READY) ## write the repository's address into all notebooks: make badges REPO=owner/name
	$(BIN)/python -m study notebooks --address "$(REPO)"

student: $(READY) ## the notebooks without solutions, and without the checks of the text that call them, in student/
	@$(call EDITION,$(STUDENT),--TagRemovePreprocessor.enabled=True \
	--TagRemovePreprocessor.remove_cell_tags solution --TagRemovePreprocessor.remove_cell_tags check)

teacher: $(READY) ## the notebooks with solutions and checks unfolded, in teacher/
	@$(call EDITION,$(TEACHER),--ClearMetadataPreprocessor.enabled=True \
	--ClearMetadataPreprocessor.clear_notebook_metadata=False \
	--ClearMetadataPreprocessor.preserve_cell_metadata_mask tags)

site: $(READY) $(SITE_READY) ## the course as a site, from stored outputs, in site/index.html
	rm -rf build
	$(BIN)/python -m study film docs/_static/film
	$(SITE)/bin/python docs/stage.py build/pages
	$(SITE)/bin/sphinx-build -q -W --keep-going -d build/doctrees -c docs build/pages build/site
	rm -rf site && mv build/site site

test-site: site slides ## links, texts and accessibility of site and lecture, in a browser: needs Chromium and npm
	$(SITE)/bin/python -m pytest --confcutdir=tests/site tests/site

slides: $(READY) ## the lecture, in slides/index.html; needs Node's npm
	@command -v npm > /dev/null || { echo "npm: expected it, found none. Mend it by installing Node.js 20 or later"; exit 1; }
	npm ci --prefix docs/slides --no-audit --no-fund
	$(BIN)/python -m study lecture slides/figures
	$(BIN)/python docs/slides/build.py slides

lock: $(READY) ## maintainers: write the installed versions into requirements.lock
	{ echo "# The exact versions that make installs, on Python 3.11; written by make lock."; \
	$(BIN)/python -m pip freeze --exclude-editable; } > requirements.lock

$(READY): requirements.lock
	$(call INSTALL,-r $<)

$(FLEET_READY): requirements.lock
	$(call INSTALL,-r $< "jax>=0.6")

$(COLAB_READY): requirements-colab.txt
	$(call INSTALL,-r $<)

$(SITE_READY): docs/requirements.txt
	$(call INSTALL,-r $<)

clean: ## remove environments and copies; your runs in results/live stay
	rm -rf $(VENV) $(COLAB) $(FLEET) $(SITE) executed build site slides docs/slides/node_modules docs/_static/film
