EXTRA_DIST += $(wildcard $(srcdir)/bench/*.*)
