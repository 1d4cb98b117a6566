command_sources += viewer/watch/watch.h viewer/watch/watch.c \
	viewer/watch/perf.h viewer/watch/perf.c \
	viewer/watch/unwind.h viewer/watch/unwind.c \
	viewer/watch/expression.h viewer/watch/expression.c \
	viewer/watch/code.h viewer/watch/code.c \
	viewer/watch/memory.h viewer/watch/memory.c \
	viewer/watch/tell.h viewer/watch/tell.c
