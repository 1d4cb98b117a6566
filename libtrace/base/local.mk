base_sources = libtrace/base/arena.h libtrace/base/arena.c \
	libtrace/base/nap.h libtrace/base/nap.c \
	libtrace/base/event.c libtrace/base/status.c
