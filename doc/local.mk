EXTRA_DIST += doc/architecture.md doc/check.md doc/format.md doc/performance.md \
	doc/recording.md doc/tasks.md doc/viewer.md \
	$(wildcard $(srcdir)/doc/decisions/*.md) $(wildcard $(srcdir)/doc/ci/*.*) \
	$(wildcard $(srcdir)/doc/pictures/*.svg)
