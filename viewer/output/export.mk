command_sources += viewer/model/diff.h viewer/model/diff.c
output_sources += viewer/output/export.h viewer/output/export.c \
	viewer/output/writer.h viewer/output/writer.c \
	viewer/output/export_chrome.c viewer/output/export_rows.c \
	viewer/output/export_folded.c viewer/output/export_otlp.c \
	viewer/output/export_openmetrics.c
output_sources += viewer/output/diff.h viewer/output/diff_text.c \
	viewer/output/diff_json.c viewer/output/markdown.h \
	viewer/output/markdown.c viewer/output/report_markdown.c \
	viewer/output/export_filter.c viewer/output/report_html.c viewer/output/report_more.c \
	viewer/output/table.h viewer/output/table.c
EXTRA_DIST += viewer/output/perfetto.proto
if HAVE_PROTOBUF_C
output_sources += viewer/output/export_perfetto.c
nodist_looptrace_SOURCES = viewer/output/perfetto.pb-c.c
perfetto_files = viewer/output/perfetto.pb-c.c viewer/output/perfetto.pb-c.h
BUILT_SOURCES += $(perfetto_files)
CLEANFILES += $(perfetto_files)
viewer/output/perfetto.pb-c.c: $(srcdir)/viewer/output/perfetto.proto
	@$(MKDIR_P) viewer/output
	$(AM_V_GEN)$(PROTOC_C) --proto_path=$(srcdir)/viewer/output \
		--c_out=viewer/output $(srcdir)/viewer/output/perfetto.proto
viewer/output/perfetto.pb-c.h: viewer/output/perfetto.pb-c.c
viewer/output/looptrace-export_perfetto.$(OBJEXT): \
	viewer/output/perfetto.pb-c.h
endif
