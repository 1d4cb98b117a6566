# Samples of tasks: one lesson a file.
task_samples = samples/greet samples/delays samples/blocking \
	samples/to_thread samples/pool_full samples/pipeline samples/cancel \
	samples/deadlock samples/chat samples/delay_server
noinst_PROGRAMS += $(task_samples)
task_sample_cflags = $(AM_CFLAGS) $(UV_CFLAGS) -g $(SAN_CFLAGS)
task_sample_libs = liblooptrace.la $(UV_LIBS)
samples_greet_SOURCES = samples/greet.c samples/sample.h
samples_greet_CFLAGS = $(task_sample_cflags)
samples_greet_LDADD = $(task_sample_libs)
samples_greet_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_delays_SOURCES = samples/delays.c samples/sample.h
samples_delays_CFLAGS = $(task_sample_cflags)
samples_delays_LDADD = $(task_sample_libs)
samples_delays_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_blocking_SOURCES = samples/blocking.c samples/sample.h samples/work.h
samples_blocking_CFLAGS = $(task_sample_cflags)
samples_blocking_LDADD = $(task_sample_libs)
samples_blocking_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_to_thread_SOURCES = samples/to_thread.c samples/sample.h samples/work.h
samples_to_thread_CFLAGS = $(task_sample_cflags)
samples_to_thread_LDADD = $(task_sample_libs)
samples_to_thread_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_pool_full_SOURCES = samples/pool_full.c samples/sample.h samples/work.h
samples_pool_full_CFLAGS = $(task_sample_cflags)
samples_pool_full_LDADD = $(task_sample_libs)
samples_pool_full_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_pipeline_SOURCES = samples/pipeline.c samples/sample.h
samples_pipeline_CFLAGS = $(task_sample_cflags)
samples_pipeline_LDADD = $(task_sample_libs)
samples_pipeline_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_cancel_SOURCES = samples/cancel.c samples/sample.h
samples_cancel_CFLAGS = $(task_sample_cflags)
samples_cancel_LDADD = $(task_sample_libs)
samples_cancel_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_deadlock_SOURCES = samples/deadlock.c samples/sample.h
samples_deadlock_CFLAGS = $(task_sample_cflags)
samples_deadlock_LDADD = $(task_sample_libs)
samples_deadlock_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_chat_SOURCES = samples/chat.c samples/sample.h
samples_chat_CFLAGS = $(task_sample_cflags)
samples_chat_LDADD = $(task_sample_libs)
samples_chat_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_delay_server_SOURCES = samples/delay_server.c samples/delay_server.h \
	samples/sample.h
samples_delay_server_CFLAGS = $(task_sample_cflags)
samples_delay_server_LDADD = $(task_sample_libs)
samples_delay_server_LDFLAGS = -no-install $(SAN_CFLAGS)
EXTRA_DIST += $(wildcard $(srcdir)/samples/python/*.py)

# With other clients than ours, where configure found them.
if HAVE_CURL
noinst_PROGRAMS += samples/fetch_sync samples/fetch_all
samples_fetch_sync_SOURCES = samples/fetch_sync.c samples/fetch.h samples/delay_server.h \
	samples/sample.h samples/work.h
samples_fetch_sync_CFLAGS = $(task_sample_cflags) $(CURL_CFLAGS)
samples_fetch_sync_LDADD = $(task_sample_libs) $(CURL_LIBS)
samples_fetch_sync_LDFLAGS = -no-install $(SAN_CFLAGS)
samples_fetch_all_SOURCES = samples/fetch_all.c samples/fetch.h samples/delay_server.h \
	samples/sample.h samples/work.h
samples_fetch_all_CFLAGS = $(task_sample_cflags) $(CURL_CFLAGS)
samples_fetch_all_LDADD = $(task_sample_libs) $(CURL_LIBS)
samples_fetch_all_LDFLAGS = -no-install $(SAN_CFLAGS)
endif
if HAVE_HIREDIS
noinst_PROGRAMS += samples/database
samples_database_SOURCES = samples/database.c samples/sample.h samples/work.h
samples_database_CFLAGS = $(task_sample_cflags) $(HIREDIS_CFLAGS)
samples_database_LDADD = $(task_sample_libs) $(HIREDIS_LIBS)
samples_database_LDFLAGS = -no-install $(SAN_CFLAGS)
endif
