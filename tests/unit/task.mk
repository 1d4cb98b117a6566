# Tasks with the sanitizers' eyes open: the library itself is built without.
check_LTLIBRARIES += libtaskcore.la
libtaskcore_la_SOURCES = $(task_sources)
libtaskcore_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(SAN_CFLAGS) -fexceptions
libtaskcore_la_LIBADD = libtracecore.la $(UV_LIBS)
# The same without the assembly: switching by ucontext, of which sanitizers know
# less than of ours.
if !SANITIZED
check_LTLIBRARIES += libtaskplain.la
libtaskplain_la_SOURCES = $(task_sources)
libtaskplain_la_CPPFLAGS = $(AM_CPPFLAGS) -DLTI_NO_ASM
libtaskplain_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) -fexceptions
libtaskplain_la_LIBADD = libtracecore.la $(UV_LIBS)
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_task_ucontext
tests_unit_check_task_ucontext_SOURCES = tests/unit/check_task.c \
	tests/unit/task_fixture.h
tests_unit_check_task_ucontext_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) \
	$(CHECK_CFLAGS)
tests_unit_check_task_ucontext_LDADD = libtaskplain.la $(CHECK_LIBS) -lm
endif
endif
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_task
tests_unit_check_task_SOURCES = tests/unit/check_task.c \
	tests/unit/task_fixture.h
tests_unit_check_task_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(CHECK_CFLAGS) \
	$(SAN_CFLAGS)
tests_unit_check_task_LDADD = libtaskcore.la $(CHECK_LIBS) -lm
tests_unit_check_task_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_task_io
tests_unit_check_task_io_SOURCES = tests/unit/check_task_io.c
tests_unit_check_task_io_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(CHECK_CFLAGS) \
	$(SAN_CFLAGS)
tests_unit_check_task_io_LDADD = libtaskcore.la $(CHECK_LIBS)
tests_unit_check_task_io_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_task_cancel
tests_unit_check_task_cancel_SOURCES = tests/unit/check_task_cancel.c \
	tests/unit/task_fixture.h
tests_unit_check_task_cancel_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(CHECK_CFLAGS) \
	$(SAN_CFLAGS)
tests_unit_check_task_cancel_LDADD = libtaskcore.la $(CHECK_LIBS) -lm
tests_unit_check_task_cancel_LDFLAGS = $(SAN_CFLAGS)

# A program as a user's: not sanitized, as the library is.
check_PROGRAMS += tests/unit/check_expect
tests_unit_check_expect_SOURCES = tests/unit/check_expect.c
tests_unit_check_expect_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_expect_LDADD = liblooptrace.la $(UV_LIBS) $(CHECK_LIBS)
tests_unit_check_expect_LDFLAGS = -no-install

check_PROGRAMS += tests/unit/check_task_misuse
tests_unit_check_task_misuse_SOURCES = tests/unit/check_task_misuse.c \
	tests/unit/task_fixture.h
tests_unit_check_task_misuse_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) \
	$(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_task_misuse_LDADD = libtaskcore.la $(CHECK_LIBS)
tests_unit_check_task_misuse_LDFLAGS = $(SAN_CFLAGS)

check_PROGRAMS += tests/unit/check_task_stack
tests_unit_check_task_stack_SOURCES = tests/unit/check_task_stack.c \
	tests/unit/task_fixture.h
tests_unit_check_task_stack_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) \
	$(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_task_stack_LDADD = libtaskcore.la $(CHECK_LIBS)
tests_unit_check_task_stack_LDFLAGS = $(SAN_CFLAGS)

# Every allocation of the task library passes through the test.
check_PROGRAMS += tests/unit/check_task_memory
tests_unit_check_task_memory_SOURCES = tests/unit/check_task_memory.c \
	tests/unit/task_fixture.h
tests_unit_check_task_memory_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) \
	$(CHECK_CFLAGS) $(SAN_CFLAGS)
tests_unit_check_task_memory_LDADD = libtaskcore.la $(CHECK_LIBS)
tests_unit_check_task_memory_LDFLAGS = $(SAN_CFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free \
	-Wl,--wrap=posix_memalign,--wrap=mmap
endif
