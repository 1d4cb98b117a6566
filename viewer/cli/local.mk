command_sources += viewer/cli/complete.h viewer/cli/complete.c \
	viewer/cli/filter.h viewer/cli/filter.c viewer/cli/manual.h \
	viewer/cli/manual.c viewer/cli/near.h viewer/cli/near.c \
	viewer/cli/newest.h viewer/cli/newest.c viewer/cli/option.h \
	viewer/cli/option.c viewer/cli/pager.h viewer/cli/pager.c \
	viewer/cli/progress.h viewer/cli/progress.c viewer/cli/settings.h \
	viewer/cli/settings.c
