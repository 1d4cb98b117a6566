read_sources = libtrace/read/state.h libtrace/read/problem.h \
	libtrace/read/source.h libtrace/read/source.c \
	libtrace/read/scan.h libtrace/read/scan.c \
	libtrace/read/idmap.h libtrace/read/idmap.c \
	libtrace/read/defs.h libtrace/read/defs.c \
	libtrace/read/decode.h libtrace/read/decode.c \
	libtrace/read/epoch.h libtrace/read/epoch.c \
	libtrace/read/buffer.h libtrace/read/buffer.c \
	libtrace/read/merge.h libtrace/read/merge.c \
	libtrace/read/ahead.h libtrace/read/ahead.c \
	libtrace/read/survey.c libtrace/read/reader.c \
	libtrace/read/access.c libtrace/read/tasks.c libtrace/read/opens.c \
	libtrace/read/summary.c libtrace/read/index.c \
	libtrace/read/rebuild.h libtrace/read/rebuild.c
