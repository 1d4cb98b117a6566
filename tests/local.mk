include tests/unit/format.mk
include tests/unit/read.mk
include tests/unit/record.mk
include tests/unit/model.mk
include tests/unit/tui.mk
