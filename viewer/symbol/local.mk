symbol_sources = viewer/symbol/symbol.h viewer/symbol/symbol.c \
	viewer/symbol/module.h viewer/symbol/module.c \
	viewer/symbol/table.h viewer/symbol/table.c \
	viewer/symbol/lines.h viewer/symbol/lines.c
