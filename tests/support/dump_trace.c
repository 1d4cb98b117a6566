/* Print a trace as tests/support/lt_decode.py does, by the library's reader.
 *
 *   dump_trace FILE          every event, one JSON line each
 *   dump_trace --info FILE   what the reader says of the file, one JSON line
 *   dump_trace --defs FILE   strings, sites, threads... as the reader has them
 *   dump_trace --at NS FILE  what is open and alive there, then the events
 *   dump_trace --verify FILE the status of lt_reader_verify(), then --info
 *   dump_trace --count FILE  read all events, print how many and how fast
 *
 * Exits 0 when the file is whole, 1 when it is damaged, 2 when it is cut, 3
 * when it cannot be opened.  Used by tests, and to measure how fast a trace is
 * read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <looptrace/reader.h>

#include "read/state.h"

static void print_event(const lt_event *e) {
  printf("{\"time\": %" PRId64 ", \"thread\": %" PRIu32 ", \"kind\": %d, "
         "\"ref\": %" PRIu64 ", \"x\": %d, \"a\": %" PRIu64 ", \"b\": %" PRIu64
         "}\n",
         e->time_ns, e->thread, e->kind, e->ref, e->x, e->a, e->b);
}

static void print_info(const lt_reader *r) {
  const lt_info *i = lt_reader_info(r);
  printf("{\"events\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"short\": %" PRIu64
         ", \"chunks\": %" PRIu32 ", \"epochs\": %" PRIu32
         ", \"generations\": %" PRIu32 ", \"end_ns\": %" PRId64,
         i->n_events, i->n_lost, i->n_short_calls, i->n_chunks, i->n_epochs,
         i->n_generations, i->end_ns);
  printf(", \"pid\": %" PRId32 ", \"comm\": \"%s\", \"ended\": %s, "
         "\"reason\": %d, \"status\": %d, \"complete\": %s, \"problem\": %d, "
         "\"at\": %" PRIu64 ", \"text\": \"%s\", \"by_index\": %s}\n",
         i->pid, i->comm, i->ended ? "true" : "false", i->end_reason,
         i->end_status, i->complete ? "true" : "false", (int)i->problem,
         i->problem_at, i->problem_text, i->by_index ? "true" : "false");
}

static const char *or_none(const char *text) {
  return text ? text : "-";
}

static void print_defs(const lt_reader *r, uint32_t limit) {
  for (uint32_t id = 0; id < limit; id++) {
    const char *string = lt_reader_string(r, id);
    const lt_module_def *m = lt_reader_module(r, id);
    const lt_site_def *s = lt_reader_site(r, id);
    const lt_thread_def *t = lt_reader_thread(r, id);
    const lt_loop_def *l = lt_reader_loop(r, id);
    const lt_stack_def *stack = lt_reader_stack(r, id);
    if (string)
      printf("string %" PRIu32 " %s\n", id, string);
    if (m)
      printf("module %" PRIu32 " %" PRIx64 "-%" PRIx64 " %s %s\n", id, m->start,
             m->end, m->path, m->build_id);
    if (s)
      printf("site %" PRIu32 " %" PRIx64 " %" PRIu32 "+%" PRIx64 " %s+%" PRIx64
             " %s:%" PRIu32 "\n",
             id, s->address, s->module, s->offset, or_none(s->function),
             s->function_offset, or_none(s->file), s->line);
    if (t)
      printf("thread %" PRIu32 " %" PRId32 " %d %s\n", id, t->tid, t->is_main,
             t->name);
    if (l)
      printf("loop %" PRIu32 " %" PRIu32 " %s\n", id, l->thread,
             or_none(l->name));
    if (stack) {
      printf("stack %" PRIu32, id);
      for (uint32_t i = 0; i < stack->n_frames; i++)
        printf(" %" PRIu32 "%s", stack->frames[i].site,
               stack->frames[i].is_guessed ? "?" : "");
      putchar('\n');
    }
    if (lt_reader_note(r, id))
      printf("note %" PRIu32 " %s\n", id, lt_reader_note(r, id));
  }
}

static lt_status print_place(lt_reader *r, int64_t time_ns) {
  const lt_open *opens;
  const lt_task_def *tasks;
  size_t n;
  lt_status status = lt_reader_seek(r, time_ns);
  if (status == LT_OK)
    status = lt_reader_opens(r, &opens, &n);
  for (size_t i = 0; status == LT_OK && i < n; i++)
    printf("open thread %" PRIu32 " kind %d x %d ref %" PRIu64 " a %" PRIu64
           " since %" PRId64 "\n",
           opens[i].thread, opens[i].kind, opens[i].x, opens[i].ref, opens[i].a,
           opens[i].begin_ns);
  if (status == LT_OK)
    status = lt_reader_tasks(r, &tasks, &n);
  for (size_t i = 0; status == LT_OK && i < n; i++)
    printf("task %" PRIu64 " of %" PRIu64 " kind %" PRIu32 " site %" PRIu32
           " by %" PRIu32 " since %" PRId64 " on %" PRIu32 " %s\n",
           tasks[i].id, tasks[i].parent, tasks[i].kind, tasks[i].site,
           tasks[i].spawn_site, tasks[i].spawn_ns, tasks[i].thread,
           or_none(tasks[i].label));
  return status;
}

static void print_lane(const lt_summary *sum, const lt_lane *l) {
  printf("lane %d %" PRIu32 " %" PRIu32 " busy %" PRId64 " longest %" PRId64
         " count %" PRIu64 "\n",
         l->is_pool, l->loop, l->thread, l->busy_ns, l->longest_ns, l->count);
  for (uint32_t k = 0; k < sum->n_levels; k++)
    for (uint32_t i = 0; i < sum->n_bins >> k; i++) {
      const lt_lane_bin *b = &l->level[k][i];
      if (b->longest_ns || b->count)
        printf("bin %" PRIu32 " %" PRIu32 " %" PRId64 " %" PRId64 " %" PRIu32
               "\n",
               k, i, b->busy_ns, b->longest_ns, b->count);
    }
  printf("stalls %" PRIu64 "\n", l->n_stalls_all);
  for (uint32_t i = 0; i < l->n_stalls; i++) {
    const lt_lane_stall *t = &l->stalls[i];
    printf("stall %" PRId64 " %" PRId64 " %d %" PRId64 " %" PRIu64 " %" PRIu32
           " %" PRIu32 "\n",
           t->begin_ns, t->duration_ns, t->unfinished, t->slice_ns, t->task,
           t->slice_kind, t->site);
  }
}

/* What lt_reader_summary() gives; "none" where there is none. */
static lt_status print_summary(lt_reader *r) {
  const lt_summary *sum;
  lt_status status = lt_reader_summary(r, &sum);
  if (status == LT_NOT_FOUND) {
    printf("none\n");
    return LT_OK;
  }
  if (status != LT_OK)
    return status;
  printf("summary bin %" PRId64 " warn %" PRId64 " left out %" PRIu32 "\n",
         sum->bin_ns, sum->warn_ns, sum->n_lanes_left_out);
  for (uint32_t i = 0; i < sum->n_lanes; i++)
    print_lane(sum, &sum->lanes[i]);
  return LT_OK;
}

static lt_status each_event(lt_reader *r, void (*use)(const lt_event *)) {
  lt_event event;
  lt_status status;
  while ((status = lt_reader_next(r, &event)) == LT_OK)
    if (use)
      use(&event);
  return status == LT_END ? LT_OK : status;
}

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static lt_status count_events(lt_reader *r) {
  double began = now_s();
  lt_event event;
  lt_status status;
  uint64_t n = 0;
  while ((status = lt_reader_next(r, &event)) == LT_OK)
    n++;
  double took = now_s() - began;
  printf("%" PRIu64 " events in %.3f s: %.1f M events/s\n", n, took,
         (double)n / took * 1e-6);
  return status == LT_END ? LT_OK : status;
}

/* All events, the summary and seeks; the most memory that it took, in KiB. */
static lt_status print_peak(lt_reader *r) {
  const lt_summary *sum;
  char line[128];
  lt_status status = each_event(r, NULL);
  for (int i = 0; status == LT_OK && i < 10; i++)
    status = lt_reader_seek(r, lt_reader_info(r)->end_ns / 10 * i);
  if (status == LT_OK && lt_reader_summary(r, &sum) != LT_OK)
    status = LT_NOT_FOUND;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, "VmHWM:", 6) == 0)
      printf("%ld\n", strtol(line + 6, NULL, 10));
  if (file)
    fclose(file);
  return status;
}

static lt_status act(lt_reader *r, const char *what, const char *argument) {
  lt_status status = LT_OK;
  if (strcmp(what, "--defs") == 0)
    print_defs(r, 4096);
  else if (strcmp(what, "--count") == 0)
    status = count_events(r);
  else if (strcmp(what, "--peak") == 0)
    status = print_peak(r);
  else if (strcmp(what, "--summary") == 0)
    status = print_summary(r);
  else if (strcmp(what, "--verify") == 0) {
    printf("%s\n", lt_status_text(lt_reader_verify(r)));
    print_info(r);
  } else if (strcmp(what, "--info") == 0)
    print_info(r);
  else {
    if (strcmp(what, "--only") == 0)
      lt_reader_select(r, strtoull(argument, NULL, 0), LT_ALL_THREADS);
    if (strcmp(what, "--at") == 0)
      status = print_place(r, strtoll(argument, NULL, 10));
    if (status == LT_OK)
      status = each_event(r, print_event);
  }
  return status;
}

/* --by-index: trust the index of small files too. */
int main(int argc, char **argv) {
  uint64_t survey_bytes = LTI_SURVEY_BYTES;
  if (argc > 1 && strcmp(argv[1], "--by-index") == 0) {
    survey_bytes = 0;
    argc--;
    argv++;
  }
  if (argc < 2) {
    fprintf(stderr, "dump_trace [--by-index] "
                    "[--info|--defs|--at "
                    "NS|--verify|--count|--summary|--peak|--only KINDS] "
                    "FILE\n");
    return 64;
  }
  lt_reader *r;
  lt_status status = lti_reader_open(argv[argc - 1], survey_bytes, &r);
  if (status == LT_OK) {
    status = act(r, argc > 2 ? argv[1] : "", argc > 3 ? argv[2] : "0");
    if (status == LT_OK)
      status = lt_reader_info(r)->problem;
    if (status != LT_OK)
      fprintf(stderr, "%s\n", lt_reader_info(r)->problem_text);
    lt_reader_close(r);
    return status == LT_OK ? 0 : status == LT_TRUNCATED ? 2 : 1;
  }
  fprintf(stderr, "%s\n", lt_status_text(status));
  return 3;
}
