model_sources = viewer/model/model.h viewer/model/source.h \
	viewer/model/build.h viewer/model/build.c viewer/model/cause.c \
	viewer/model/census.h viewer/model/census.c \
	viewer/model/paced.h viewer/model/paced.c \
	viewer/model/frame.c viewer/model/histogram.c viewer/model/loop.c \
	viewer/model/names.c viewer/model/open.c viewer/model/site.c \
	viewer/model/allow.c viewer/model/caller.c viewer/model/early.c \
	viewer/model/fd.c viewer/model/holder.c \
	viewer/model/sample.c viewer/model/seen.c viewer/model/stack.c \
	viewer/model/stall.c viewer/model/task.c viewer/model/stream.h \
	viewer/model/stream.c viewer/model/pool.c \
	viewer/model/recent.h viewer/model/recent.c \
	viewer/model/window.h viewer/model/window.c viewer/model/queue.c \
	viewer/model/finding.h viewer/model/finding.c \
	viewer/model/trouble.h viewer/model/trouble.c \
	viewer/model/path.h viewer/model/path.c \
	viewer/model/live.c viewer/model/lost.c viewer/model/timer.c \
	viewer/model/await.c \
	viewer/model/advice.h viewer/model/advice.c \
	viewer/model/limit.h viewer/model/limit.c viewer/model/judgement.c
