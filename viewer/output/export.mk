command_sources += viewer/cmd_export.c \
	viewer/progress.h viewer/progress.c
output_sources += viewer/output/export.h viewer/output/export.c \
	viewer/output/export_chrome.c viewer/output/export_rows.c \
	viewer/output/export_folded.c viewer/output/export_otlp.c \
	viewer/output/export_openmetrics.c
