command_sources += viewer/tui/term/terminal.h viewer/tui/term/terminal.c
tui_sources = viewer/tui/actions.c viewer/tui/app.h viewer/tui/app.c \
	viewer/tui/compare.h viewer/tui/compare.c viewer/tui/follow.c \
	viewer/tui/frame.c viewer/tui/hits.h viewer/tui/hits.c \
	viewer/tui/keymap.h viewer/tui/keymap.c viewer/tui/layout.h \
	viewer/tui/layout.c viewer/tui/minimap.c viewer/tui/mouse.c \
	viewer/tui/muted.c viewer/tui/nameless.c viewer/tui/notes.h \
	viewer/tui/notes.c viewer/tui/options.h viewer/tui/options.c \
	viewer/tui/problem.c viewer/tui/prompt.c viewer/tui/prompt_language.c \
	viewer/tui/replay.c \
	viewer/tui/replay_moment.c viewer/tui/replay_past.c \
	viewer/tui/sift.c viewer/tui/summary.c viewer/tui/tasks.h \
	viewer/tui/tasks.c viewer/tui/tasks_order.c
tui_sources += viewer/tui/term/crash.h viewer/tui/term/crash.c \
	viewer/tui/term/dump.c viewer/tui/term/glyph.c viewer/tui/term/grid.h \
	viewer/tui/term/grid.c viewer/tui/term/report.h \
	viewer/tui/term/report.c viewer/tui/term/role.h \
	viewer/tui/term/screen.h viewer/tui/term/screen.c
tui_sources += viewer/tui/lanes/lanes.c viewer/tui/lanes/lanes_bars.c \
	viewer/tui/lanes/lanes_columns.c viewer/tui/lanes/lanes_detail.c \
	viewer/tui/lanes/lanes_draw.c viewer/tui/lanes/lanes_find.c \
	viewer/tui/lanes/lanes_list.c viewer/tui/lanes/lanes_lives.c \
	viewer/tui/lanes/lanes_plot.h
tui_sources += viewer/tui/view/findings.c \
	viewer/tui/view/format.h viewer/tui/view/format.c \
	viewer/tui/view/histogram.h viewer/tui/view/histogram.c \
	viewer/tui/view/stall.h viewer/tui/view/stall.c \
	viewer/tui/view/task_path.c viewer/tui/view/view_compare.c \
	viewer/tui/view/view_detail.c viewer/tui/view/view_explain.c \
	viewer/tui/view/view_file.c viewer/tui/view/view_follow.c \
	viewer/tui/view/view_help.c viewer/tui/view/view_lanes.c \
	viewer/tui/view/view_overview.c viewer/tui/view/view_replay.c \
	viewer/tui/view/view_sites.c viewer/tui/view/view_stalls.c \
	viewer/tui/view/view_tasks.c
looptrace_LDADD += -lm
