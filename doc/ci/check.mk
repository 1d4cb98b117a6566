# Rules for make: include them, and say what APP is.
#
#   make check-loops          fails when a loop was blocked for too long
#   make update-baseline      what is there now is accepted
LOOPTRACE ?= looptrace
APP ?= ./app --self-test
BASELINE ?= .looptrace-baseline.json

.PHONY: check-loops update-baseline
check-loops:
	$(LOOPTRACE) check --max-stall 100ms \
		$(if $(wildcard $(BASELINE)),--baseline $(BASELINE)) -- $(APP)

update-baseline:
	$(LOOPTRACE) check --baseline $(BASELINE) --update-baseline -- $(APP)
