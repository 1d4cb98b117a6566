format_sources = libtrace/format/bytes.h libtrace/format/defs.h \
	libtrace/format/columns.h \
	libtrace/format/encode.h libtrace/format/encode.c \
	libtrace/format/block.h libtrace/format/block.c \
	libtrace/format/brackets.h libtrace/format/brackets.c \
	libtrace/format/summary.h libtrace/format/summary.c \
	libtrace/format/directory.h libtrace/format/directory.c
