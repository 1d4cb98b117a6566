command_sources += viewer/cmd_record.c \
	viewer/duration.h viewer/duration.c \
	viewer/program.h viewer/program.c \
	viewer/launch.h viewer/launch.c \
	viewer/locate.h viewer/locate.c \
	viewer/child.h viewer/child.c \
	viewer/why.h viewer/why.c
