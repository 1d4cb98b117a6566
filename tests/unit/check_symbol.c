/* viewer/symbol/: this program names its own code. */
#include "config.h"

#include <check.h>
#include <dlfcn.h>
#include <libelf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/demangle.h"
#include "symbol/symbol.h"
#include "symbol/table.h"

struct place {
  uintptr_t address, start;
  char path[4096];
};

/* The lowest mapping of the file that holds an address, by /proc/self/maps. */
static struct place place_of(const void *code) {
  struct place place = {.address = (uintptr_t)code};
  char line[4400], path[4096], name[4096] = "";
  uintptr_t start = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  ck_assert_ptr_nonnull(maps);
  while (fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %4095s", &from, &to, path) != 3)
      continue;
    if (strcmp(path, name)) {
      strcpy(name, path);
      start = from;
    }
    if (place.address >= from && place.address < to) {
      place.start = start;
      strcpy(place.path, path);
    }
  }
  fclose(maps);
  ck_assert_uint_ne(place.start, 0);
  return place;
}

static volatile int sink;
static void *return_address;
static unsigned call_line;

static __attribute__((noinline)) void remember(void) {
  return_address = __builtin_return_address(0);
  sink++;
}

static __attribute__((noinline)) void caller(void) {
  sink++;
  call_line = __LINE__ + 1;
  remember();
  sink++;
}

static bool name_of(struct symbol *symbols, const void *code,
                    struct lti_name *name) {
  struct place place = place_of(code);
  return symbol_site(symbols, getpid(), place.path, place.address - place.start,
                     name);
}

START_TEST(a_function_is_named_with_its_file) {
  struct symbol *symbols = symbol_open();
  struct lti_name name;
  ck_assert(name_of(symbols, (void *)(uintptr_t)caller, &name));
  ck_assert_str_eq(name.function, "caller");
  ck_assert_uint_eq(name.function_offset, 0);
  if (name.file) { /* the tree may be built without -g */
    ck_assert_ptr_nonnull(strstr(name.file, "check_symbol.c"));
    ck_assert_uint_ge(call_line ? call_line : name.line, name.line);
  }
  symbol_close(symbols);
}
END_TEST

START_TEST(a_return_address_has_the_line_of_the_call) {
  struct symbol *symbols = symbol_open();
  struct lti_name name;
  caller();
  ck_assert(name_of(symbols, return_address, &name));
  ck_assert_str_eq(name.function, "caller");
  ck_assert_uint_gt(name.function_offset, 0);
  if (name.file)
    ck_assert_uint_eq(name.line, call_line);
  symbol_close(symbols);
}
END_TEST

START_TEST(what_no_symbol_covers_has_no_name) {
  struct symbol *symbols = symbol_open();
  struct place place = place_of((void *)(uintptr_t)caller);
  struct lti_name name = {.line = 77};
  ck_assert(!symbol_site(symbols, getpid(), place.path, 1, &name));
  ck_assert(!symbol_site(symbols, getpid(), place.path, UINT64_MAX, &name));
  ck_assert_uint_eq(name.line, 77);
  symbol_close(symbols);
}
END_TEST

START_TEST(a_shared_library_has_names_and_a_build_id) {
  struct symbol *symbols = symbol_open();
  struct lti_name name;
  struct place place = place_of(dlsym(RTLD_DEFAULT, "elf_version"));
  ck_assert(
      symbol_site(symbols, 0, place.path, place.address - place.start, &name));
  ck_assert_str_eq(name.function, "elf_version");
  const char *id = symbol_build_id(symbols, 0, place.path);
  if (id) {
    ck_assert_uint_ge(strlen(id), 16);
    ck_assert_uint_eq(strspn(id, "0123456789abcdef"), strlen(id));
  }
  symbol_close(symbols);
}
END_TEST

START_TEST(what_is_no_program_has_no_names_and_stops_nobody) {
  char folder[] = "/tmp/looptrace-check.XXXXXX", fifo[64];
  struct symbol *symbols = symbol_open();
  struct lti_name name;
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(fifo, sizeof fifo, "%s/fifo", folder);
  ck_assert_int_eq(mkfifo(fifo, 0600), 0);
  const char *paths[] = {fifo,         folder,   "/dev/null", "/etc/passwd",
                         "/no/such/x", "[vdso]", ""};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    for (int again = 0; again < 2; again++) {
      ck_assert(!symbol_site(symbols, getpid(), paths[i], 4096, &name));
      ck_assert_ptr_null(symbol_build_id(symbols, getpid(), paths[i]));
    }
  unlink(fifo);
  rmdir(folder);
  symbol_close(symbols);
}
END_TEST

START_TEST(a_damaged_program_has_no_names_and_crashes_nobody) {
  struct place place = place_of((void *)(uintptr_t)caller);
  char path[] = "/tmp/looptrace-check.XXXXXX";
  static unsigned char bytes[1 << 22];
  FILE *own = fopen(place.path, "r");
  ck_assert_ptr_nonnull(own);
  size_t size = fread(bytes, 1, sizeof bytes, own);
  fclose(own);
  close(mkstemp(path));
  unsigned seed = 1;
  for (int round = 0; round < 100; round++) {
    FILE *copy = fopen(path, "w");
    size_t keep = round % 2 ? size : size * (size_t)round / 100;
    fwrite(bytes, 1, keep, copy);
    for (int flip = 0; keep && flip < 200; flip++) {
      /* Mostly in the headers, where it matters most. */
      size_t at = (size_t)rand_r(&seed) % (flip % 2 && keep > 512 ? 512 : keep);
      fseek(copy, (long)at, SEEK_SET);
      fputc(rand_r(&seed), copy);
    }
    fclose(copy);
    struct symbol *symbols = symbol_open();
    struct lti_name name;
    for (uint64_t offset = 0; offset < size; offset += size / 16 + 1)
      (void)symbol_site(symbols, 0, path, offset, &name);
    (void)symbol_build_id(symbols, 0, path);
    symbol_close(symbols);
  }
  unlink(path);
}
END_TEST

START_TEST(the_innermost_of_two_functions_is_found) {
  struct function functions[] = {
      {.begin = 100, .end = 200, .name = "outer", .rank = 4},
      {.begin = 120, .end = 130, .name = "inner", .rank = 4},
      {.begin = 120, .end = 130, .name = "__inner", .rank = 2},
      {.begin = 300, .end = 310, .name = "last", .rank = 4},
  };
  struct table table = {.functions = functions, .n = 4, .capacity = 4};
  table_finish(&table);
  ck_assert_str_eq(table_find(&table, 100)->name, "outer");
  ck_assert_str_eq(table_find(&table, 120)->name, "inner");
  ck_assert_str_eq(table_find(&table, 129)->name, "inner");
  ck_assert_str_eq(table_find(&table, 130)->name, "outer");
  ck_assert_ptr_null(table_find(&table, 99));
  ck_assert_ptr_null(table_find(&table, 200));
  ck_assert_str_eq(table_find(&table, 309)->name, "last");
  ck_assert_ptr_null(table_find(&table, 310));
}
END_TEST

/* The map that a compiler in this process would write. */
static char map_path[64];

static FILE *open_map(void) {
  snprintf(map_path, sizeof map_path, "/tmp/perf-%d.map", (int)getpid());
  FILE *map = fopen(map_path, "w");
  ck_assert_ptr_nonnull(map);
  return map;
}

static void assert_made(struct symbol *symbols, uint64_t address,
                        const char *function, const char *file, uint32_t line) {
  struct lti_name name = {0};
  ck_assert(symbol_site(symbols, getpid(), "", address, &name));
  ck_assert_str_eq(name.function, function);
  ck_assert_pstr_eq(name.file, file);
  ck_assert_uint_eq(name.line, line);
}

START_TEST(code_made_at_run_time_is_named_by_its_map) {
  struct symbol *symbols = symbol_open();
  struct lti_name name;
  ck_assert(!symbol_site(symbols, getpid(), "", 0x1000, &name));
  FILE *map = open_map();
  fputs("1000 10 LazyCompile:*on_read /srv/my app.js:88\n"
        "2000 10 JS:~tick file:///srv/b.js:3:19\n"
        "3000 10 py::main:/srv/c.py\n"
        "4000 10 Builtin:ArgumentsAdaptor\n"
        "5000 10 Function:~ /srv/d.js:1\n"
        "5800 10 LazyCompile:~next node:timers:517\n"
        "nonsense\n6000\nffffffffffffffff 10 wraps\n7000 10\n"
        "8000 10 cut",
        map);
  fflush(map);
  assert_made(symbols, 0x1000, "on_read", "/srv/my app.js", 88);
  assert_made(symbols, 0x200f, "tick", "/srv/b.js", 3);
  assert_made(symbols, 0x3008, "main:/srv/c.py", NULL, 0);
  assert_made(symbols, 0x4000, "Builtin:ArgumentsAdaptor", NULL, 0);
  assert_made(symbols, 0x5000, "(anonymous)", "/srv/d.js", 1);
  assert_made(symbols, 0x5800, "next", "node:timers", 517);
  ck_assert(!symbol_site(symbols, getpid(), "", 0x2010, &name));
  ck_assert(!symbol_site(symbols, getpid(), "", 0x7000, &name));
  ck_assert(!symbol_site(symbols, getpid(), "", 0x8000, &name));
  fputs(" here\n1000 8 LazyCompile:^newer /srv/a.js:9\n", map);
  fclose(map);
  assert_made(symbols, 0x8000, "cut here", NULL, 0);
  assert_made(symbols, 0x1004, "newer", "/srv/a.js", 9);
  assert_made(symbols, 0x1008, "on_read", "/srv/my app.js", 88);
  symbol_close(symbols);
  unlink(map_path);
}
END_TEST

START_TEST(a_map_that_is_no_file_is_not_read) {
  struct symbol *symbols = symbol_open();
  struct lti_name name;
  char target[] = "/tmp/looptrace-map-XXXXXX";
  close(mkstemp(target));
  fclose(open_map());
  unlink(map_path);
  ck_assert_int_eq(symlink(target, map_path), 0);
  FILE *map = fopen(target, "w");
  fputs("1000 10 planted\n", map);
  fclose(map);
  ck_assert(!symbol_site(symbols, getpid(), "", 0x1000, &name));
  unlink(map_path);
  ck_assert_int_eq(mkfifo(map_path, 0600), 0);
  ck_assert(!symbol_site(symbols, getpid(), "", 0x1000, &name));
  symbol_close(symbols);
  unlink(map_path);
  unlink(target);
}
END_TEST

/* As written by g++ and rustc. */
static const struct {
  const char *mangled, *readable;
} mangled_names[] = {
    {"_ZN4node11Environment9RunTimersEP10uv_timer_s",
     "node::Environment::RunTimers"},
    {"_Z3addii", "add"},
    {"_ZNK3Foo3barEv", "Foo::bar"},
    {"_ZN12_GLOBAL__N_16on_tryEv", "(anonymous namespace)::on_try"},
    {"_ZN3FooclEi", "Foo::operator()"},
    {"_ZN3FooltEi", "Foo::operator<"},
    {"_ZN3FooptEv", "Foo::operator->"},
    {"_ZN3FoocvbEv", "Foo::operator bool"},
    {"_ZnwmPv", "operator new"},
    {"_ZN3FooD1Ev", "Foo::~Foo"},
    {"_Z3maxIiET_S0_S0_", "max<int>"},
    {"_ZNSt8functionIFvvEEC2ERKS1_", "std::function<void ()>::function"},
    {"_ZNKSt8functionIFviEEclEi", "std::function<void (int)>::operator()"},
    {"_ZThn8_N3Foo3barEv", "Foo::bar"},
    {"_Z3foov.cold", "foo"},
    {"_ZN4core3ops8function6FnOnce9call_once17h0123456789abcdefE",
     "core::ops::function::FnOnce::call_once"},
};

START_TEST(mangled_names_are_readable_and_without_parameters) {
  char *readable = symbol_demangle(mangled_names[_i].mangled);
  ck_assert_str_eq(readable, mangled_names[_i].readable);
  free(readable);
}
END_TEST

START_TEST(what_is_not_mangled_stays_as_it_is) {
  char text[4096] = "_ZN";
  ck_assert_ptr_null(symbol_demangle("main"));
  ck_assert_ptr_null(symbol_demangle(""));
  ck_assert_ptr_null(symbol_demangle("_Z"));
  ck_assert_ptr_null(symbol_demangle("_ZN4no"));
  memset(text + 3, '3', sizeof text - 4);
  ck_assert_ptr_null(symbol_demangle(text));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("symbol");
  TCase *tc = tcase_create("names");
  tcase_set_timeout(tc, 60);
  tcase_add_test(tc, a_function_is_named_with_its_file);
  tcase_add_test(tc, a_return_address_has_the_line_of_the_call);
  tcase_add_test(tc, what_no_symbol_covers_has_no_name);
  tcase_add_test(tc, a_shared_library_has_names_and_a_build_id);
  tcase_add_test(tc, what_is_no_program_has_no_names_and_stops_nobody);
  tcase_add_test(tc, a_damaged_program_has_no_names_and_crashes_nobody);
  tcase_add_test(tc, the_innermost_of_two_functions_is_found);
  tcase_add_loop_test(tc, mangled_names_are_readable_and_without_parameters, 0,
                      sizeof mangled_names / sizeof *mangled_names);
  tcase_add_test(tc, code_made_at_run_time_is_named_by_its_map);
  tcase_add_test(tc, a_map_that_is_no_file_is_not_read);
  tcase_add_test(tc, what_is_not_mangled_stays_as_it_is);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
