/* A trace file from a reviewed text, by the recorder's own encoder and writer.
 *
 *   make_trace DESCRIPTION OUT.lt
 *
 *   process 4711 shop uv=1.44.2            # before the first event
 *   thread 0 main tid 4711
 *   note "two pool threads were not seen"
 *   0ms     t0 loop-begin x=1
 *   1.2ms   t0 spawn ref=5 x=timer a=site:on_tick@stall.c:12
 *   2ms     t0 resume ref=5 x=timer a=site:on_tick@stall.c:12
 *   302ms   t0 call x=nanosleep a=site:on_tick@stall.c:14 b=300ms
 *   302.1ms t0 await ref=5
 *   305ms   t0 mark a="half way" b=7
 *   epoch 400ms                            # seals what stands above
 *   generation                             # the next epoch begins one
 *   short 3                                # short calls, in the next epoch
 *   end exited 0                           # without it the trace is cut
 *   cut 17                                 # so many bytes from the file's end
 *
 * A value is a number, a time (ns, us, ms, s; "+1" may follow), a "text", the
 * name of a kind of task, of a blocking call or of a cause of loss, or
 * site:FUNCTION@FILE:LINE.  Lines of one thread stand in the order of time;
 * "#" begins a comment.  The same text always gives the same file.
 *
 * Exits 1, naming the line, when it does not understand one. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/trace.h"

#define START_NS INT64_C(1000000000000)
#define START_UNIX_NS INT64_C(1700000000000000000)
#define MODULE_START UINT64_C(0x400000)
#define SITE_STEP 16u

enum { WORDS_MAX = 16, THREADS_MAX = 64, SITES_MAX = 1024, TEXTS_MAX = 1024 };

struct site_text {
  char *function;
  char *file;
  uint32_t line;
  char *key; /* the whole text */
};

static struct {
  const char *path;
  unsigned line;
  int32_t pid;
  char comm[16], uv_version[16];
  struct lti_trace trace;
  struct lti_encoder *encoder;
  struct lti_writer *writer;
  struct lti_trace_thread threads[THREADS_MAX];
  uint32_t n_threads;
  struct site_text sites[SITES_MAX];
  uint32_t n_sites;
  char *texts[TEXTS_MAX];
  uint32_t n_texts;
  lt_event *events; /* of the epoch */
  size_t n_events, capacity;
  int64_t last_ns;
  uint64_t short_calls;
  long cut_bytes;
  bool is_started;
} made = {.pid = 4711, .comm = "fixture"};

static _Noreturn void refuse(const char *what) {
  fprintf(stderr, "%s:%u: %s\n", made.path, made.line, what);
  exit(1);
}

static void fixed_clock(int64_t *monotonic_ns, int64_t *unix_ns) {
  *monotonic_ns = START_NS + made.trace.watermark_ns;
  *unix_ns = START_UNIX_NS + made.trace.watermark_ns;
}

static char *copy_of(const char *text) {
  char *copy = strdup(text);
  if (!copy)
    refuse("out of memory");
  return copy;
}

/* Words are parted by blanks; blanks inside quotes belong to the word. */
static int split(char *line, char **words) {
  int n = 0;
  bool quoted = false;
  for (char *at = line; *at && *at != '\n';) {
    while (*at == ' ' || *at == '\t')
      at++;
    if (!*at || *at == '\n' || *at == '#')
      break;
    if (n == WORDS_MAX)
      refuse("too many words");
    words[n++] = at;
    for (; *at && *at != '\n' && (quoted || !isblank((unsigned char)*at)); at++)
      quoted ^= *at == '"';
    if (*at)
      *at++ = 0;
  }
  if (quoted)
    refuse("a quote is not closed");
  return n;
}

/* A number, with a unit of time or without, and "+1". */
static bool parse_number(const char *text, uint64_t *value) {
  static const struct {
    const char *unit;
    double ns;
  } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  char *end;
  double n = strtod(text, &end);
  *value = strtoull(text, NULL, 0);
  if (end == text)
    return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    size_t size = strlen(units[i].unit);
    if (strncmp(end, units[i].unit, size) == 0 && !isalpha(end[size])) {
      *value = (uint64_t)(int64_t)(n * units[i].ns + (n < 0 ? -0.5 : 0.5));
      end += size;
      break;
    }
  }
  if (strcmp(end, "+1") == 0) {
    ++*value;
    end += 2;
  }
  return !*end;
}

static int64_t time_of(const char *text) {
  uint64_t value;
  if (!parse_number(text, &value))
    refuse("a time is missing");
  return (int64_t)value;
}

/* The program's id of a text. */
static uint64_t text_id(const char *quoted) {
  char *text = copy_of(quoted + 1);
  text[strcspn(text, "\"")] = 0;
  for (uint32_t i = 0; i < made.n_texts; i++)
    if (strcmp(made.texts[i], text) == 0) {
      free(text);
      return i + 1;
    }
  if (made.n_texts == TEXTS_MAX)
    refuse("too many texts");
  made.texts[made.n_texts++] = text;
  lti_book_string(&made.trace.book, made.n_texts, text, strlen(text));
  return made.n_texts;
}

static bool name_site(void *context, int32_t pid, const char *path,
                      uint64_t offset, struct lti_name *name) {
  const struct site_text *site = &made.sites[offset / SITE_STEP - 1];
  (void)context;
  (void)pid;
  (void)path;
  name->function = site->function[0] ? site->function : NULL;
  name->file = site->file;
  name->line = site->line;
  return true;
}

/* The address of a site; what is new is named at once. */
static uint64_t site_address(const char *key) {
  static const struct lti_namer namer = {.site = name_site};
  uint32_t i = 0;
  while (i < made.n_sites && strcmp(made.sites[i].key, key) != 0)
    i++;
  uint64_t address = MODULE_START + (uint64_t)SITE_STEP * (i + 1);
  if (i < made.n_sites)
    return address;
  if (i == SITES_MAX)
    refuse("too many sites");
  struct site_text *site = &made.sites[made.n_sites++];
  site->key = copy_of(key);
  site->function = copy_of(key);
  char *at = strchr(site->function, '@');
  if (at) {
    *at = 0;
    site->file = at + 1;
    char *colon = strrchr(site->file, ':');
    if (colon) {
      *colon = 0;
      site->line = (uint32_t)strtoul(colon + 1, NULL, 10);
    }
  }
  (void)lti_book_site(&made.trace.book, address);
  (void)lti_book_name(&made.trace.book, &namer, NULL, UINT64_MAX);
  return address;
}

static bool find_name(const char *text, unsigned limit,
                      const char *(*name)(unsigned), uint64_t *value) {
  for (unsigned i = 0; i < limit; i++)
    if (name(i) && strcmp(name(i), text) == 0) {
      *value = i;
      return true;
    }
  return false;
}

static const char *cause_name(unsigned cause) {
  static const char *const names[] = {
      NULL, "full", "nested", "no-ring", "writer-gone", "disk", "damaged"};
  return cause < sizeof names / sizeof *names ? names[cause] : NULL;
}

static uint64_t value_of(unsigned kind, const char *text) {
  uint64_t value;
  bool is_call = kind == LT_CALL || kind == LT_CALL_BEGIN;
  if (text[0] == '"')
    return (is_call ? (uint64_t)LT_CALLEE_OWN : 0) + text_id(text);
  if (strncmp(text, "site:", 5) == 0)
    return site_address(text + 5);
  if (parse_number(text, &value))
    return value;
  if (is_call && find_name(text, LT_CALLEE_OWN, lt_callee_name, &value))
    return value;
  if (kind == LT_LOST && find_name(text, LT_LOST_LIMIT, cause_name, &value))
    return value;
  if (!find_name(text, 64, lt_task_kind_name, &value))
    refuse("a value makes no sense");
  return value;
}

static void start_trace(void) {
  struct lti_book *book = &made.trace.book;
  struct lti_file_header header = {.pid = (uint32_t)made.pid,
                                   .start_ns = START_NS,
                                   .start_unix_ns = START_UNIX_NS,
                                   .id = "a fixed identity"};
  book->pid = made.pid;
  memcpy(book->comm, made.comm, sizeof book->comm);
  memcpy(book->uv_version, made.uv_version, sizeof book->uv_version);
  lti_trace_start(&made.trace, made.writer, &header, fixed_clock);
  made.is_started = true;
}

static void add_event(char **words, int n) {
  lt_event e = {.time_ns = time_of(words[0])};
  if (n < 3 || words[1][0] != 't')
    refuse("TIME tTHREAD KIND is expected");
  e.thread = (uint32_t)strtoul(words[1] + 1, NULL, 10);
  if (e.thread >= made.n_threads)
    refuse("this thread was not described");
  for (unsigned k = 0; k < LT_KIND_LIMIT; k++)
    if (lt_kind_lookup(k) && strcmp(lt_kind_lookup(k)->name, words[2]) == 0)
      e.kind = (uint8_t)k;
  if (!e.kind)
    refuse("there is no such kind of event");
  for (int i = 3; i < n; i++) {
    char *equal = strchr(words[i], '=');
    if (!equal)
      refuse("FIELD=VALUE is expected");
    *equal = 0;
    uint64_t value = value_of(e.kind, equal + 1);
    if (strcmp(words[i], "ref") == 0)
      e.ref = value;
    else if (strcmp(words[i], "x") == 0)
      e.x = (uint16_t)value;
    else if (strcmp(words[i], "a") == 0)
      e.a = value;
    else if (strcmp(words[i], "b") == 0)
      e.b = value;
    else
      refuse("a field is ref, x, a or b");
  }
  if (!lti_book_room((void **)&made.events, made.n_events, &made.capacity,
                     sizeof *made.events))
    refuse("out of memory");
  made.events[made.n_events++] = e;
}

static void seal(int64_t watermark_ns) {
  if (!made.is_started)
    start_trace();
  for (uint32_t t = 0; t < made.n_threads && made.n_events; t++) {
    int64_t last_ns = made.last_ns;
    lti_trace_thread_begin(&made.trace, &made.threads[t]);
    for (size_t i = 0; i < made.n_events; i++) {
      lt_event *e = &made.events[i];
      if (e->thread != t)
        continue;
      if (e->time_ns < last_ns || e->time_ns > watermark_ns)
        refuse("above this line an event stands out of order");
      last_ns = e->time_ns;
      lti_trace_event(&made.trace, e);
    }
    lti_trace_thread_end(&made.trace);
  }
  if (!lti_trace_seal(&made.trace, watermark_ns, 0, made.short_calls))
    refuse("the file could not be written");
  made.n_events = 0;
  made.short_calls = 0;
  made.last_ns = watermark_ns;
}

static void seal_rest(void) {
  int64_t last_ns = made.last_ns;
  for (size_t i = 0; i < made.n_events; i++)
    if (made.events[i].time_ns > last_ns)
      last_ns = made.events[i].time_ns;
  seal(last_ns);
}

static void end_trace(char **words, int n) {
  static const char *const reasons[] = {
      "unknown", "exited", "killed", "stopped", "exec", "gone", "recovered"};
  size_t i = 0;
  while (n > 1 && i < 7 && strcmp(reasons[i], words[1]) != 0)
    i++;
  if (n < 2 || i == 7)
    refuse("end REASON [STATUS] is expected");
  seal_rest();
  lti_trace_end(&made.trace, made.last_ns, (lt_end_reason)i,
                n > 2 ? atoi(words[2]) : 0, 0);
}

static void describe_process(char **words, int n) {
  if (n < 3 || made.is_started)
    refuse("process PID NAME [uv=VERSION] is expected, before the events");
  made.pid = atoi(words[1]);
  memset(made.comm, 0, sizeof made.comm);
  memcpy(made.comm, words[2], strnlen(words[2], sizeof made.comm - 1));
  if (n > 3 && strncmp(words[3], "uv=", 3) == 0)
    memcpy(made.uv_version, words[3] + 3,
           strnlen(words[3] + 3, sizeof made.uv_version - 1));
}

static void describe_thread(char **words, int n) {
  if (n < 5 || strcmp(words[3], "tid") != 0 ||
      strtoul(words[1], NULL, 10) != made.n_threads ||
      made.n_threads == THREADS_MAX)
    refuse("thread INDEX NAME tid TID is expected, in order");
  int tid = atoi(words[4]);
  made.threads[made.n_threads].index =
      lti_book_thread(&made.trace.book, tid, made.n_threads == 0, words[2]);
  made.n_threads++;
}

static void take_line(char *line) {
  char *words[WORDS_MAX];
  int n = split(line, words);
  if (n == 0)
    return;
  if (strcmp(words[0], "process") == 0)
    describe_process(words, n);
  else if (strcmp(words[0], "thread") == 0)
    describe_thread(words, n);
  else if (strcmp(words[0], "note") == 0 && n > 1)
    lti_book_note(&made.trace.book, words[1] + 1, strcspn(words[1] + 1, "\""));
  else if (strcmp(words[0], "epoch") == 0 && n > 1)
    seal(time_of(words[1]));
  else if (strcmp(words[0], "generation") == 0)
    made.trace.generation_is_due = true;
  else if (strcmp(words[0], "short") == 0 && n > 1)
    made.short_calls = strtoull(words[1], NULL, 10);
  else if (strcmp(words[0], "end") == 0)
    end_trace(words, n);
  else if (strcmp(words[0], "cut") == 0 && n > 1)
    made.cut_bytes = atol(words[1]);
  else
    add_event(words, n);
}

static void open_files(const char *from, const char *to, FILE **text) {
  int fd;
  *text = fopen(from, "r");
  if (!*text)
    refuse("cannot be read");
  if (lti_writer_create_file(to, true, &fd) != LT_OK)
    refuse("the output cannot be made");
  made.encoder = lti_encoder_new();
  made.writer = lti_writer_new(fd, write);
  if (!made.encoder || !made.writer)
    refuse("out of memory");
}

int main(int argc, char **argv) {
  char line[4096];
  FILE *text;
  if (argc != 3) {
    fprintf(stderr, "usage: make_trace DESCRIPTION OUT.lt\n");
    return 1;
  }
  made.path = argv[1];
  open_files(argv[1], argv[2], &text);
  lti_trace_init(&made.trace, made.encoder, made.pid, "looptrace fixture",
                 50000);
  lti_book_module(&made.trace.book, MODULE_START, MODULE_START + 0x100000,
                  "/usr/bin/fixture", 16);
  while (fgets(line, sizeof line, text)) {
    made.line++;
    take_line(line);
  }
  fclose(text);
  if (made.n_events || !made.is_started)
    seal_rest();
  off_t size = (off_t)lti_writer_size(made.writer);
  lti_trace_fini(&made.trace);
  lti_encoder_free(made.encoder);
  for (uint32_t i = 0; i < made.n_sites; i++) {
    free(made.sites[i].function);
    free(made.sites[i].key);
  }
  for (uint32_t i = 0; i < made.n_texts; i++)
    free(made.texts[i]);
  free(made.events);
  if (made.cut_bytes && truncate(argv[2], size - made.cut_bytes) != 0)
    refuse("cannot be cut");
  return 0;
}
