command_sources += viewer/tui/terminal.h viewer/tui/terminal.c
tui_sources = viewer/tui/actions.c viewer/tui/view_explain.c viewer/tui/app.h \
	viewer/tui/app.c viewer/tui/compare.h viewer/tui/compare.c \
	viewer/tui/view_compare.c viewer/tui/histogram.h viewer/tui/histogram.c \
	viewer/tui/hits.h viewer/tui/hits.c viewer/tui/follow.c viewer/tui/frame.c \
	viewer/tui/prompt.c viewer/tui/format.h viewer/tui/format.c viewer/tui/grid.h \
	viewer/tui/grid.c viewer/tui/role.h viewer/tui/glyph.c viewer/tui/dump.c \
	viewer/tui/notes.h viewer/tui/notes.c viewer/tui/keymap.h viewer/tui/keymap.c \
	viewer/tui/lanes.c viewer/tui/lanes_list.c viewer/tui/lanes_lives.c \
	viewer/tui/lanes_find.c viewer/tui/lanes_detail.c viewer/tui/lanes_plot.h \
	viewer/tui/lanes_columns.c viewer/tui/lanes_bars.c viewer/tui/lanes_draw.c \
	viewer/tui/layout.h viewer/tui/layout.c viewer/tui/minimap.c \
	viewer/tui/summary.c viewer/tui/replay.c viewer/tui/replay_moment.c \
	viewer/tui/replay_past.c viewer/tui/screen.h viewer/tui/screen.c \
	viewer/tui/crash.h viewer/tui/crash.c viewer/tui/report.h viewer/tui/report.c \
	viewer/tui/mouse.c viewer/tui/muted.c viewer/tui/nameless.c \
	viewer/tui/problem.c viewer/tui/options.h viewer/tui/options.c \
	viewer/tui/stall.h viewer/tui/stall.c viewer/tui/view_detail.c \
	viewer/tui/view_file.c viewer/tui/view_follow.c viewer/tui/view_help.c \
	viewer/tui/view_lanes.c viewer/tui/view_overview.c viewer/tui/view_replay.c \
	viewer/tui/tasks.h viewer/tui/tasks.c viewer/tui/task_path.c \
	viewer/tui/view_sites.c viewer/tui/view_stalls.c viewer/tui/view_tasks.c
looptrace_LDADD += -lm
