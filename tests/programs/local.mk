# What test_hooks.py records: plain libuv programs that know nothing of us.  Not
# check_PROGRAMS: tests/run takes those for tests.
noinst_PROGRAMS += tests/programs/hook_families tests/programs/hook_leaving \
	tests/programs/hook_forks tests/programs/hook_blocking \
	tests/programs/hook_crowd tests/programs/hook_reuse \
	tests/programs/hook_repeat tests/programs/hook_untracked

hook_program_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -D_GNU_SOURCE -fexceptions

tests_programs_hook_families_SOURCES = tests/programs/hook_families.c
tests_programs_hook_families_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_families_LDADD = $(UV_LIBS)

tests_programs_hook_leaving_SOURCES = tests/programs/hook_leaving.c
tests_programs_hook_leaving_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_leaving_LDADD = $(UV_LIBS)

tests_programs_hook_forks_SOURCES = tests/programs/hook_forks.c
tests_programs_hook_forks_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_forks_LDADD = $(UV_LIBS)

tests_programs_hook_blocking_SOURCES = tests/programs/hook_blocking.c
tests_programs_hook_blocking_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_blocking_LDADD = $(UV_LIBS)

tests_programs_hook_crowd_SOURCES = tests/programs/hook_crowd.c
tests_programs_hook_crowd_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_crowd_LDADD = $(UV_LIBS)

tests_programs_hook_reuse_SOURCES = tests/programs/hook_reuse.c
tests_programs_hook_reuse_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_reuse_LDADD = $(UV_LIBS)

tests_programs_hook_repeat_SOURCES = tests/programs/hook_repeat.c
tests_programs_hook_repeat_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_repeat_LDADD = $(UV_LIBS)

tests_programs_hook_untracked_SOURCES = tests/programs/hook_untracked.c
tests_programs_hook_untracked_CFLAGS = $(hook_program_CFLAGS)
tests_programs_hook_untracked_LDADD = $(UV_LIBS)

# What test_instructions.py counts.
noinst_PROGRAMS += tests/programs/callbacks
tests_programs_callbacks_SOURCES = bench/callbacks.c
tests_programs_callbacks_CFLAGS = $(hook_program_CFLAGS)
tests_programs_callbacks_LDADD = $(UV_LIBS)

# What test_loops.py records: loops that are not libuv's.
noinst_PROGRAMS += tests/programs/loops
tests_programs_loops_SOURCES = tests/programs/loops.c
tests_programs_loops_LDADD = -lpthread

# What test_between.py records: what is done between two runs of a loop.
noinst_PROGRAMS += tests/programs/between
tests_programs_between_SOURCES = tests/programs/between.c
tests_programs_between_CFLAGS = $(hook_program_CFLAGS)
tests_programs_between_LDADD = $(UV_LIBS)

# What test_invisible.py compares with and without.
noinst_PROGRAMS += tests/programs/probe
tests_programs_probe_SOURCES = tests/programs/probe.c
tests_programs_probe_CFLAGS = $(hook_program_CFLAGS)
tests_programs_probe_LDADD = $(UV_LIBS)
noinst_PROGRAMS += tests/programs/probe_errno
tests_programs_probe_errno_SOURCES = tests/programs/probe_errno.c \
	tests/programs/probe_errno.h tests/programs/probe_errno_uv.c
tests_programs_probe_errno_CFLAGS = $(hook_program_CFLAGS) -Wno-unused-result
tests_programs_probe_errno_LDADD = $(UV_LIBS)

# What test_fd_names.py records.
noinst_PROGRAMS += tests/programs/waits_for
tests_programs_waits_for_SOURCES = tests/programs/waits_for.c
tests_programs_waits_for_CFLAGS = $(hook_program_CFLAGS)
tests_programs_waits_for_LDADD = $(UV_LIBS)

# What test_locks.py records.
noinst_PROGRAMS += tests/programs/locks
tests_programs_locks_SOURCES = tests/programs/locks.c
tests_programs_locks_CFLAGS = $(hook_program_CFLAGS)
tests_programs_locks_LDADD = $(UV_LIBS)

# What test_watch_alone.py runs: it records itself.
noinst_PROGRAMS += tests/programs/watch_alone
tests_programs_watch_alone_SOURCES = tests/programs/watch_alone.c
tests_programs_watch_alone_CFLAGS = $(hook_program_CFLAGS)
tests_programs_watch_alone_LDADD = liblooptrace.la $(UV_LIBS)

# What test_losses.py counts: the public API, linked.
noinst_PROGRAMS += tests/programs/record_crowd
tests_programs_record_crowd_SOURCES = tests/programs/record_crowd.c
tests_programs_record_crowd_LDADD = liblooptrace.la

# What test_linked.py runs: it records itself, again and again.
noinst_PROGRAMS += tests/programs/record_again
tests_programs_record_again_SOURCES = tests/programs/record_again.c
tests_programs_record_again_CFLAGS = $(hook_program_CFLAGS)
tests_programs_record_again_LDADD = liblooptrace.la $(UV_LIBS)

# What test_watch.py records.
noinst_PROGRAMS += tests/programs/watched tests/programs/confined
noinst_PROGRAMS += tests/programs/strict
tests_programs_strict_SOURCES = tests/programs/strict.c
tests_programs_watched_SOURCES = tests/programs/watched.c
tests_programs_watched_CFLAGS = $(hook_program_CFLAGS)
tests_programs_watched_LDADD = $(UV_LIBS)
tests_programs_confined_SOURCES = tests/programs/confined.c

# What test_noise.py checks beside busy loops.
noinst_PROGRAMS += tests/programs/noise
tests_programs_noise_SOURCES = tests/programs/noise.c
tests_programs_noise_CFLAGS = $(hook_program_CFLAGS)
tests_programs_noise_LDADD = liblooptrace.la $(UV_LIBS)

# What test_task_stacks.py looks at.
noinst_PROGRAMS += tests/programs/task_stack
tests_programs_task_stack_SOURCES = tests/programs/task_stack.c
tests_programs_task_stack_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -g
tests_programs_task_stack_LDADD = liblooptrace.la $(UV_LIBS)
tests_programs_task_stack_LDFLAGS = -no-install

# What test_processes.py records.
noinst_PROGRAMS += tests/programs/processes
tests_programs_processes_SOURCES = tests/programs/processes.c
tests_programs_processes_CFLAGS = $(hook_program_CFLAGS)
tests_programs_processes_LDADD = $(UV_LIBS)

# What test_planted.py records.
noinst_PROGRAMS += tests/programs/planted
tests_programs_planted_SOURCES = tests/programs/planted.c \
	tests/programs/planted.h tests/programs/planted_means.c \
	tests/programs/planted_places.c tests/programs/planted_ways.c
tests_programs_planted_CFLAGS = $(hook_program_CFLAGS)
tests_programs_planted_LDADD = $(UV_LIBS)

# What test_random_loops.py records.
noinst_PROGRAMS += tests/programs/random_loop
tests_programs_random_loop_SOURCES = tests/programs/random_loop.c
tests_programs_random_loop_CFLAGS = $(hook_program_CFLAGS)
tests_programs_random_loop_LDADD = $(UV_LIBS)
