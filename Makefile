# make run: the notebooks in the lesson profile, the figures, the table. make test: all checks.
# make bench: how fast the training step is on this machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
RUN_PROFILE := $(or $(STUDY_PROFILE),lesson)
LIVE := $(or $(STUDY_RESULTS),results/live)

.PHONY: run test figures bench clean

run: $(READY)
	STUDY_PROFILE=$(RUN_PROFILE) $(BIN)/python -m helpers.notebooks
	$(BIN)/python -m helpers.figures
	$(BIN)/python -m helpers.study table --results $(LIVE) --profile $(RUN_PROFILE)

test: $(READY)
	$(BIN)/python -m pytest
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	STUDY_PROFILE=smoke STUDY_RESULTS="$$folder" $(BIN)/python -m pytest --nbval --nbval-current-env notebooks

figures: $(READY)
	$(BIN)/python -m helpers.figures

bench: $(READY)
	$(BIN)/python -m helpers.bench

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install -r requirements.txt
	touch $(READY)

clean:
	rm -rf $(VENV) results/live
