command_sources += viewer/check/options.h viewer/check/options.c \
	viewer/check/help.c viewer/check/budget.c viewer/check/rule.h \
	viewer/check/rule.c viewer/check/suppress.h viewer/check/suppress.c \
	viewer/check/suppress_read.c viewer/check/baseline.h viewer/check/baseline.c \
	viewer/check/review.h viewer/check/review.c viewer/check/print.h \
	viewer/check/print.c
