command_sources += viewer/cmd_export.c viewer/cmd_diff.c \
	viewer/progress.h viewer/progress.c
command_sources += viewer/model/diff.h viewer/model/diff.c
output_sources += viewer/output/export.h viewer/output/export.c \
	viewer/output/export_chrome.c viewer/output/export_rows.c \
	viewer/output/export_folded.c viewer/output/export_otlp.c \
	viewer/output/export_openmetrics.c
output_sources += viewer/output/diff.h viewer/output/diff_text.c \
	viewer/output/diff_json.c viewer/output/markdown.h \
	viewer/output/markdown.c viewer/output/report_markdown.c \
	viewer/output/report_html.c
