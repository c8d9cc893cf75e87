# Equinox: entry points. Only Python, a C++ compiler and make are needed; `make venv` fetches the rest into .venv.
# `make help` prints the texts behind `##` (targets) and the lines that begin with `#:` (variables).
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help venv sim test lint bench latency latency-budgets cov toggle gen clean distclean experiments experiments-docs regress random shrink selftest plan docs mutants filelist format formal cost cost-docs

#: of `make sim`
#:   CONFIG=default      core: a file of configs/ (tiny, default, large)
#:   TRACE=poisson       arrivals: poisson, bursty, diurnal (bursty:on=0.2,burst=5), or a file [configs/traces/bursty.csv]
#:   LOAD=0.5            offered load, as a fraction of the measured capacity
#:   REQUESTS=1000       how many requests
#:   SERVICE=lstm        whom the requests are for: lstm, mlp, or lstm,mlp
#:   POLICY=priority     a scheduling policy: docs/scheduler.md has the list
#:   TRAIN=mlp           the training job in the idle cycles: mlp or off
#:   STEPS=100           training steps at least
#:   TEST=name           test of verif/tests/bench_equinox.py to run [equinox_replay_test]
#:   LIMIT=20000         latency limit for p99 in cycles [a multiple of an unloaded batch]
#:   TIMELINE=1          write the run as timeline.json.gz, for Perfetto or chrome://tracing
#:   RSP_STALL=0         percent of cycles in which the response sink is not ready
#:   DRAM_STALL=0        percent of cycles in which each DRAM channel is held back
#: of `make sim`, `make test` and `make cov`
#:   SEED=1              seed of everything random
#:   WAVES=1             dump waves (slow; a build of its own)
#: of `make sim` and `make test`
#:   COVERAGE=1          collect coverage into build/cov
#: of `make test` and `make cov`
#:   BLOCK=mmu           only the tests of one block of verif/block, or whose name holds this word
#:   TEST=expression     only the tests that match (pytest -k)
#:   JOBS=2              tests at a time
#: of `make regress`
#:   TIER=smoke          smoke, tools, nightly or soak: what they run is in verif/flow/regress/tiers.yaml
#:   BLOCK=mmu,chip      only tests of these blocks
#:   TEST=words          only runs whose test id or pytest node holds the words, or fits a pattern (chip::*)
#:   TAG=name            only runs with one of these tags
#:   SEEDS=5             seeds a run [as the tier says]; all are derived from SEED
#:   JOBS=2              jobs at a time
#:   NAME=name           folder of the results below build/regress [the tier's name]
#:   COVERAGE=0          without coverage
#:   FRESH=1             forget what an earlier call of that name finished
#:   SEED=1              the seed from which all others are derived
#: of `make bench`
#:   CONFIG=default      core: a file of configs/
#:   ONLY=gemm,speed     some of gemm, inference, training, digits, tail, kept, model, speed, build, test [all but test]
#:   STRICT=1            fail when a figure falls short
#:   JOBS=1              measurements at a time; what is timed runs alone
#: of `make latency` and `make latency-budgets`
#:   ONLY=expression     only the cases whose name a regular expression is found in (bursty/0.3, priority, rtl)
#:   JOBS=2              cases at a time
#: of `make selftest`
#:   ONLY=expression     only the faults whose id, category, run or checker it is found in
#:   JOBS=2              runs at a time
#: of `make experiments`
#:   ENGINE=both         model, rtl or both
#:   ONLY=e1,e3          some of e1 to e6 [all]
#:   CONFIG=default      core of the main grid: a file of configs/
#: of `make experiments` and `make experiments-docs`
#:   REQUESTS=100000     requests a point [model 100000, RTL 2000]
#:   LOADS=0.1,0.5       loads of the main grid
#:   JOBS=2              points at a time
#: of `make random`
#:   CONFIG=tiny         core: a file of configs/
#:   SEEDS=1..20         a case a seed
#:   JOBS=2              simulations at a time
#:   KNOBS="rows=1..8"   constraints, see verif/random/knobs.py
#: of `make random` and `make shrink`
#:   PLANT=acc           a planted fault of verif/random/faults.yaml
#: of `make shrink`
#:   RUN=case.toml       the failing case, or the folder of its run
#:   NAME=name           name of the case that is kept
#: of `make toggle`
#:   BLOCK=mmu,csr       only these of its tests and blocks; the gate is not judged then [all]
#: of `make mutants`
#:   BLOCK=numeric,policy  some of the blocks of verif/flow/mutants/campaign.yaml [all]
#:   MUTANT=17           run this mutant of the one block again and show its log
#:   JOBS=2              mutants at a time
#: of `make formal`
#:   BLOCK=eqx_arb       only these modules, with commas [all]
#:   JOBS=2              proofs at a time
#: of `make cost`
#:   SPEED=1             map for speed and say the clock of every block (needs OpenSTA)
#: of `make cost` and `make cost-docs`
#:   CONFIG=default      cores: files of configs/, with commas [cost-docs: tiny,default,large]
#:   JOBS=2              configurations at a time
#: of `make lint`
#:   MODULE=eqx_mmu          only these modules of rtl/
#: of `make regress`, `selftest`, `mutants`, `latency`, `experiments`, `random`, `bench`, `formal` and `cost`
#:   CLUSTER=address     run on a Dask cluster: tcp://host:port of its scheduler, or slurm, lsf, pbs (JOBS= workers)
#: of all
#:   PYTHON=python3      the Python (3.11 to 3.14) from which .venv is made
#: They stand behind `make`, as in `make sim LOAD=0.3`. SEED, WAVES, COVERAGE, JOBS and PYTHON may come from the environment, too;
#: any other of a target that is found there is refused, as is one that the target does not have. What is on or off reads
#: 1 or 0, yes or no, on or off, true or false.
PYTHON   ?= python3
JOBS     ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 8 ? n : 8)))
export SEED WAVES COVERAGE

# $(call quoted,text): as one word for the shell
quoted = '$(subst ','\'',$(1))'
# Knobs that stand on make's command line. They reach the scripts as arguments, and not the makes and tests that those start.
GIVEN := $(strip $(foreach v,$(.VARIABLES),$(if $(findstring command,$(origin $(v))),$(v))))
unexport $(filter-out SEED WAVES COVERAGE,$(GIVEN))
MAKEOVERRIDES :=
# What is wrong with the call is said before anything is done: a knob that the target does not have, a folder in which nothing can be built.
WRONG := $(shell $(call quoted,$(PYTHON)) -m scripts.check_call $(call quoted,$(MAKECMDGOALS)) $(call quoted,$(GIVEN)) 2>&1)
ifneq ($(WRONG),)
$(error $(WRONG))
endif

VENV  := .venv
PY    := $(VENV)/bin/python
# of what is installed and where: a checkout that has moved is installed again
STAMP := $(VENV)/.installed-$(shell (cat requirements.txt pyproject.toml; readlink -f $(VENV)) | cksum | cut -d' ' -f1)

help: ## this text
	@echo "Targets:"
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo "Variables:"
	@sed -nE 's/^#: (.*)/  \1/p' $(MAKEFILE_LIST)

venv: $(STAMP) ## install the pinned Python packages, the simulator and the checkout itself into .venv
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) scripts/check_system.py
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "[venv] installing the pinned packages into .venv ..."
	@$(PY) -m pip install -qq --disable-pip-version-check -r requirements.txt
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) scripts/relative_path.py
	@rm -f $(VENV)/.installed-*
	@touch $@

# $(call given,VARIABLE): its value when it stands on make's command line; the environment does not count
# $(call flag,name,VARIABLE): --name 'value' when the variable is given, else nothing
# $(call common,name,VARIABLE): the same of one that may come from the environment
given = $(if $(findstring command,$(origin $(1))),$($(1)))
flag = $(if $(call given,$(2)),--$(1) $(call quoted,$(call given,$(2))))
common = $(if $($(2)),--$(1) $(call quoted,$($(2))))
SIM_FLAGS = $(call flag,config,CONFIG) $(call flag,trace,TRACE) $(call flag,load,LOAD) \
  $(call flag,requests,REQUESTS) $(call flag,service,SERVICE) $(call flag,policy,POLICY) \
  $(call flag,train,TRAIN) $(call flag,steps,STEPS) $(call flag,test,TEST) $(call flag,limit,LIMIT) \
  $(call flag,rsp-stall,RSP_STALL) $(call flag,dram-stall,DRAM_STALL) $(call common,seed,SEED) \
  $(call common,waves,WAVES) $(call flag,timeline,TIMELINE)

sim: venv ## simulate the core on a request trace and print latencies and utilisation
	@$(PY) scripts/sim.py $(SIM_FLAGS)

block  = $(call given,BLOCK)
SELECT = $(if $(block),$(if $(wildcard verif/block/$(block)),verif/block/$(block),-k $(call quoted,$(block)))) \
  $(if $(call given,TEST),-k $(call quoted,$(call given,TEST)))
TESTS = $(PY) scripts/tests.py -n $(call quoted,$(JOBS)) --dist worksteal --durations=10 --durations-min=20 $(SELECT)

test: venv ## run the tests of models, blocks and core; with TEST= or BLOCK= those of the tools, too
	@$(TESTS)

CLUSTER_FLAG = $(call flag,cluster,CLUSTER)
REGRESS_FLAGS = $(call flag,tier,TIER) $(call flag,block,BLOCK) $(call flag,test,TEST) $(call flag,tag,TAG) $(call flag,seeds,SEEDS) \
  $(CLUSTER_FLAG) $(call flag,name,NAME) $(call flag,coverage,COVERAGE) $(call common,seed,SEED) $(call flag,fresh,FRESH)
regress: venv ## run a tier of tests with derived seeds, group the failures, and write one report (build/regress)
	@$(PY) scripts/regress.py --jobs $(call quoted,$(JOBS)) $(REGRESS_FLAGS)

lint: venv ## check the RTL with Verilator and Yosys, generated files, style, and the code base's rules
	@$(PY) scripts/lint.py $(foreach module,$(call given,MODULE),$(call quoted,$(module)))

plan: venv ## check the verification plan (verif/testplan) and print it with the results of the last run; also build/testplan.html
	@$(PY) scripts/plan.py --html build/testplan.html

bench: venv ## measure the figures: MMU use, training beside inference, speed of simulation and build
	@$(PY) scripts/bench.py $(call flag,jobs,JOBS) $(CLUSTER_FLAG) $(call flag,config,CONFIG) $(call flag,only,ONLY) $(call flag,strict,STRICT)

LATENCY = $(PY) scripts/latency.py --jobs $(call quoted,$(JOBS)) $(CLUSTER_FLAG) $(call flag,only,ONLY)
latency: venv ## replay traces at loads; fail where a percentile of latency breaks its budget (configs/budgets/latency.toml)
	@$(LATENCY)

latency-budgets: venv ## measure as `make latency` does and write the results into configs/budgets/latency.toml
	@$(LATENCY) --update

EXPERIMENTS = $(PY) scripts/experiments.py --jobs $(call quoted,$(JOBS)) $(CLUSTER_FLAG)
experiments: venv ## load against tail latency and training: tables and plots in build/experiments; an interrupted sweep goes on
	@$(EXPERIMENTS) $(call flag,engine,ENGINE) $(call flag,only,ONLY) $(call flag,requests,REQUESTS) $(call flag,loads,LOADS) $(call flag,config,CONFIG)

experiments-docs: venv ## the whole sweep, then its tables and plots into docs/experiments.md
	@$(EXPERIMENTS) --docs $(call flag,requests,REQUESTS) $(call flag,loads,LOADS)

COST = $(PY) scripts/cost.py --jobs $(call quoted,$(JOBS)) $(CLUSTER_FLAG)
cost: venv ## synthesise rtl/ to 45 nm cells: area by block and purpose, with SPEED=1 the clock; fail where a budget is broken
	@$(COST) $(call flag,config,CONFIG) $(call flag,speed,SPEED)

cost-docs: venv ## the same of several configurations, for area and for speed (needs OpenSTA), into docs/cost.md
	@$(COST) --docs $(call flag,config,CONFIG)

selftest: venv ## plant faults; each must be caught by the check that is there for it (build/selftest); an interrupted run goes on
	@$(PY) scripts/selftest.py --jobs $(call quoted,$(JOBS)) $(CLUSTER_FLAG) $(call flag,only,ONLY)

random: venv ## run random programs on all contexts and units, a case a seed; SEEDS=, CONFIG=, KNOBS=
	@$(PY) scripts/random_programs.py --jobs $(JOBS) $(CLUSTER_FLAG) $(call flag,config,CONFIG) $(call flag,seeds,SEEDS) $(call flag,knobs,KNOBS) $(call flag,plant,PLANT)

shrink: venv ## reduce a failing random case (RUN=) to a minimal one and keep it in verif/random/cases
	@$(PY) scripts/shrink.py $(if $(call given,RUN),$(call quoted,$(call given,RUN))) $(call flag,name,NAME) $(call flag,plant,PLANT)

cov: venv ## run all tests with coverage, write build/coverage.html, fail where a gate is not met (verif/flow/coverage)
	@$(TESTS) $(if $(strip $(SELECT)),--no-gates,--gates)

toggle: venv ## toggle coverage of all modules' ports, in a build of its own and a few runs; fail where the gate is not met
	@$(PY) scripts/cov.py --toggle $(call flag,block,BLOCK)

formal: venv ## prove small modules for all inputs and all times; each planted fault must be refuted
	@$(PY) scripts/formal.py --jobs $(call quoted,$(JOBS)) $(CLUSTER_FLAG) $(call flag,blocks,BLOCK)

mutants: venv ## plant faults into the RTL of blocks, one at a time, and count how many their benches notice; an interrupted campaign goes on
	@$(PY) scripts/mutants.py --jobs $(call quoted,$(JOBS)) $(CLUSTER_FLAG) $(call flag,blocks,BLOCK) $(call flag,mutant,MUTANT)

gen: venv ## generate again what is generated: hardware facts (models/equinox_core/hw), instruction format, registers
	@for script in scripts/gen_hw.py $(filter-out scripts/gen_hw.py,$(wildcard scripts/gen_*.py)); do $(PY) $$script || exit 1; done

format: venv ## format Python and SystemVerilog as `make lint` wants them
	@$(PY) scripts/lint.py --format

filelist: venv ## a list of the sources of the core for other tools (build/equinox_core.f); FuseSoC: equinox.core
	@$(PY) scripts/gen_filelist.py --filelist build/equinox_core.f

docs: venv ## the HTML register manual, in build/docs/registers
	@$(PY) scripts/gen_csr.py --html build/docs/registers
	@echo "build/docs/registers: to read it, python3 -m http.server -d build/docs/registers, and http://localhost:8000"

clean: ## remove build/ (simulators, logs, reports)
	rm -rf build

distclean: clean ## remove .venv too
	rm -rf $(VENV)
