record_sources = libtrace/record/clock.h libtrace/record/clock.c \
	libtrace/record/emit.h libtrace/record/emit.c \
	libtrace/record/process.h libtrace/record/process.c libtrace/record/usage.c \
	libtrace/record/modules.c libtrace/record/api.c \
	libtrace/record/recorder.h libtrace/record/recorder.c
# Recording into a file of one's own: not in the preload.
linked_sources = libtrace/record/linked.c \
	libtrace/record/watch.h libtrace/record/watch.c \
	libtrace/record/trigger.h libtrace/record/trigger.c \
	libtrace/record/options.h libtrace/record/options.c
