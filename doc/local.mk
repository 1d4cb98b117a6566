EXTRA_DIST += doc/architecture.md doc/format.md \
	$(wildcard $(srcdir)/doc/decisions/*.md)
