drain_sources = libtrace/drain/drain.h libtrace/drain/drain.c \
	libtrace/drain/process.h libtrace/drain/process.c libtrace/drain/alive.c \
	libtrace/drain/switch.c libtrace/drain/snapshot.c \
	libtrace/drain/flight.h libtrace/drain/flight.c libtrace/drain/place.c \
	libtrace/drain/window.h libtrace/drain/window.c \
	libtrace/drain/rotate.c \
	libtrace/drain/rings.h libtrace/drain/rings.c \
	libtrace/drain/clockmap.h libtrace/drain/clockmap.c \
	libtrace/drain/trace.h libtrace/drain/trace.c libtrace/drain/index.c \
	libtrace/drain/book.h libtrace/drain/book.c libtrace/drain/sites.c libtrace/drain/stacks.c \
	libtrace/drain/tasks.h libtrace/drain/tasks.c \
	libtrace/drain/hash.h libtrace/drain/hash.c \
	libtrace/drain/tail.h libtrace/drain/tail.c \
	libtrace/drain/stuck.h libtrace/drain/stuck.c \
	libtrace/drain/look.h libtrace/drain/look.c \
	libtrace/drain/recover.h libtrace/drain/recover.c \
	libtrace/drain/writer.h libtrace/drain/writer.c
