drain_sources = libtrace/drain/drain.h
