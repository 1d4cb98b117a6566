command_sources += viewer/cmd_check.c viewer/cmd_explain.c \
	viewer/near.h viewer/near.c viewer/option.h viewer/option.c \
	viewer/manual.h viewer/manual.c viewer/pager.h viewer/pager.c \
	viewer/newest.h viewer/newest.c \
	viewer/complete.h viewer/complete.c viewer/cmd_completion.c \
	viewer/check/options.h viewer/check/options.c viewer/check/help.c \
	viewer/check/budget.c \
	viewer/check/rule.h viewer/check/rule.c \
	viewer/check/suppress.h viewer/check/suppress.c \
	viewer/check/suppress_read.c \
	viewer/check/baseline.h viewer/check/baseline.c \
	viewer/check/review.h viewer/check/review.c \
	viewer/check/print.h viewer/check/print.c
