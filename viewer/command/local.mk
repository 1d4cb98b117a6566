command_sources += viewer/command/cmd_check.c viewer/command/cmd_completion.c \
	viewer/command/cmd_ctl.c viewer/command/cmd_diff.c \
	viewer/command/cmd_explain.c viewer/command/cmd_export.c \
	viewer/command/cmd_info.c viewer/command/cmd_record.c \
	viewer/command/cmd_recover.c viewer/command/cmd_report.c \
	viewer/command/cmd_selftest.c viewer/command/cmd_tasks.c \
	viewer/command/cmd_top.c viewer/command/cmd_view.c \
	viewer/command/live.h viewer/command/live.c \
	viewer/command/record_view.h viewer/command/record_view.c \
	viewer/command/selftest.h viewer/command/selftest.c
