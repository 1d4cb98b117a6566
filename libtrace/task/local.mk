# async/await in C: inside programs that link liblooptrace.
task_sources = libtrace/task/sched.h libtrace/task/sched.c \
	libtrace/task/task.c libtrace/task/run.c libtrace/task/trace.h \
	libtrace/task/context.h libtrace/task/context.c \
	libtrace/task/stack.h libtrace/task/stack.c \
	libtrace/task/overflow.h libtrace/task/overflow.c \
	libtrace/task/fibre.h libtrace/task/fibre.c \
	libtrace/task/libuv.h libtrace/task/libuv.c \
	libtrace/task/timer.c libtrace/task/many.c libtrace/task/group.c \
	libtrace/task/local.c libtrace/task/future.c libtrace/task/pool.c \
	libtrace/task/sync.c libtrace/task/stream.c libtrace/task/request.c \
	libtrace/task/misuse.c libtrace/task/dump.c \
	libtrace/task/symbol.h libtrace/task/symbol.c
if TASK_ASM
task_sources += libtrace/task/switch.S
endif
dist_pkgdata_DATA = libtrace/task/looptrace-gdb.py
