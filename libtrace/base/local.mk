base_sources = libtrace/base/arena.h libtrace/base/arena.c libtrace/base/regular.h \
	libtrace/base/nap.h libtrace/base/nap.c \
	libtrace/base/event.c libtrace/base/status.c
# Where a recording begins: not in the preload.
begin_sources = libtrace/base/share.h libtrace/base/share.c \
	libtrace/base/duration.h libtrace/base/duration.c \
	libtrace/base/size.h libtrace/base/size.c
