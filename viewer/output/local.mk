output_sources = viewer/output/inert.h viewer/output/inert.c \
	viewer/output/json.h viewer/output/json.c \
	viewer/output/units.h viewer/output/units.c \
	viewer/output/excerpt.h viewer/output/excerpt.c \
	viewer/output/place.h viewer/output/place.c \
	viewer/output/open.h viewer/output/open.c \
	viewer/output/check.h viewer/output/check_text.c \
	viewer/output/check_json.h viewer/output/check_json.c \
	viewer/output/check_ndjson.c viewer/output/check_junit.c \
	viewer/output/check_sarif.c viewer/output/check_github.c viewer/output/check_gitlab.c \
	viewer/output/check_markdown.c \
	viewer/output/say.h viewer/output/say.c \
	viewer/output/say_trouble.h viewer/output/say_trouble.c \
	viewer/output/xml.h viewer/output/xml.c
output_sources += viewer/output/info.h viewer/output/info_text.c viewer/output/report.h viewer/output/report_text.c \
	viewer/output/report_json.c viewer/output/report_task.c
include viewer/output/export.mk
