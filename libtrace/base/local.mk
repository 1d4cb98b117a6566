base_sources = libtrace/base/arena.h libtrace/base/arena.c \
	libtrace/base/event.c libtrace/base/status.c
