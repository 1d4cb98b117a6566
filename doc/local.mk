EXTRA_DIST += doc/architecture.md doc/format.md doc/tasks.md \
	$(wildcard $(srcdir)/doc/decisions/*.md)
