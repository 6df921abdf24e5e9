# The front door. It gets what is missing, has CMake build everything in build/, and starts the job.

PLAN ?= standard
RUN ?=
ARGS ?=

BUILD := build
TVA := $(BUILD)/tva
# CMake's own make shall choose its number of jobs, whatever this one was started with.
CMAKE_BUILD := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
    cmake --build $(BUILD) --parallel $(shell nproc)

.PHONY: all deps build test bench report format clean help
.DEFAULT_GOAL := all

all: build

deps:
	@scripts/install-deps

# This file is the last that CMake writes: where it is, CMake itself notices what has changed.
$(BUILD)/Makefile: | deps
	cmake --preset release

build: deps $(BUILD)/Makefile
	@$(CMAKE_BUILD)

test: build
	ctest --preset release
	@python=$$(scripts/find-python) && set -x && \
	    "$$python" -m pytest tests/python && "$$python" -m pytest tests/cli

bench: build
	@scripts/bench $(PLAN) $(ARGS)

report: deps
	@test -n "$(RUN)" || { echo 'make report: which run? Try make report RUN=results/NAME' >&2; exit 2; }
	@python=$$(scripts/find-python) && "$$python" scripts/report.py $(RUN) $(ARGS)

format:
	@scripts/install-deps clang-format
	@scripts/check-format --fix

clean:
	rm -rf $(BUILD) $(addprefix $(BUILD)-,debug asan tsan valgrind ucontext)

help:
	@echo 'make                      get what is missing and build $(TVA)'
	@echo 'make test                 build and run all tests'
	@echo 'make bench                measure everything, draw the charts, write the report (10 minutes)'
	@echo 'make bench PLAN=quick     the same in 90 seconds; also smoke, or a JSON file'
	@echo 'make bench ARGS=--resume=DIR    go on with a run that was stopped or killed'
	@echo 'make report RUN=DIR       write the report of a run again'
	@echo 'make format               format the C sources'
	@echo 'make clean                remove what was built; runs and reports are kept'
	@echo 'ARGS=... is handed on to tva bench, or to scripts/report.py.'
