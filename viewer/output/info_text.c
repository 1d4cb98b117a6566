/* What `looptrace info` says of a trace, as text.
 *
 * Invariant: events are read only where some were lost, and of those only what
 * tells of losses; nothing of the file reaches the output raw.  Called by
 * cmd_info.c, and by the viewer for its key I. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "output/inert.h"
#include "output/info.h"
#include "output/units.h"

const char *report_health(const lt_info *info, char *buf, size_t size) {
  char text[256];
  inert(info->problem_text, text, sizeof text);
  if (info->complete)
    snprintf(buf, size, "complete");
  else if (info->problem == LT_CORRUPT)
    snprintf(buf, size, "damaged at byte %" PRIu64 "%s%s", info->problem_at,
             *text ? ": " : "", text);
  else
    snprintf(buf, size, "incomplete from byte %" PRIu64 " on%s%s",
             info->problem_at, *text ? ": " : "", text);
  return buf;
}

const char *report_end(const lt_info *info, char *buf, size_t size) {
  switch (info->ended ? info->end_reason : LT_END_UNKNOWN) {
  case LT_END_EXITED:
    snprintf(buf, size, "exited with status %d", info->end_status);
    break;
  case LT_END_KILLED: {
    const char *name = strsignal(info->end_status);
    snprintf(buf, size, "killed by signal %d%s%s%s", info->end_status,
             name ? " (" : "", name ? name : "", name ? ")" : "");
    break;
  }
  case LT_END_STOPPED:
    snprintf(buf, size, "recording was stopped");
    break;
  case LT_END_EXEC:
    snprintf(buf, size, "became another program");
    break;
  case LT_END_GONE:
    snprintf(buf, size, "ended, unknown how");
    break;
  case LT_END_RECOVERED:
    snprintf(buf, size, "recovered");
    break;
  default:
    snprintf(buf, size, "unknown");
    break;
  }
  return buf;
}

static void time_of(const lt_info *info, char *buf, size_t size) {
  time_t seconds =
      (time_t)((info->start_unix_ns + info->begin_ns) / 1000000000);
  struct tm tm;
  if (!localtime_r(&seconds, &tm) ||
      !strftime(buf, size, "%Y-%m-%d %H:%M:%S %z", &tm))
    snprintf(buf, size, "unknown");
}

static void put_modules(FILE *file, const struct info_said *v) {
  char path[4200], id[128];
  fprintf(file, "modules    %" PRIu32 "%s\n", v->info->n_modules,
          v->is_verbose || v->info->n_modules == 0 ? "" : " (-v lists them)");
  for (uint32_t i = 1; i <= v->info->n_modules && v->is_verbose; i++) {
    const lt_module_def *m = lt_reader_module(v->reader, i);
    if (m)
      fprintf(file, "           %s  %s\n", inert(m->path, path, sizeof path),
              m->build_id && *m->build_id ? inert(m->build_id, id, sizeof id)
                                          : "build-id not read");
  }
}

static void put_threads(FILE *file, const struct info_said *v) {
  char name[64];
  uint32_t shown = v->is_verbose ? v->info->n_threads : 8;
  fprintf(file, "threads    %" PRIu32 "\n", v->info->n_threads);
  for (uint32_t i = 0; i < v->info->n_threads && i < shown; i++) {
    const lt_thread_def *t = lt_reader_thread(v->reader, i);
    if (t)
      fprintf(file, "           %d %s%s\n", (int)t->tid,
              inert(t->name, name, sizeof name), t->is_main ? " (main)" : "");
  }
  if (v->info->n_threads > shown)
    fprintf(file, "           and %" PRIu32 " more: -v lists them\n",
            v->info->n_threads - shown);
}

static void put_loops(FILE *file, const struct info_said *v) {
  char name[64];
  fprintf(file, "loops      %" PRIu32 "\n", v->info->n_loops);
  for (uint32_t id = 0, seen = 0;
       seen < v->info->n_loops && id <= v->info->n_loops + 64; id++) {
    const lt_loop_def *l = lt_reader_loop(v->reader, id);
    if (!l)
      continue;
    seen++;
    const lt_thread_def *t = lt_reader_thread(v->reader, l->thread);
    const char *raw = l->name && *l->name ? l->name
                      : t && t->is_main   ? "main"
                      : t                 ? t->name
                                          : "";
    fprintf(file, "           %" PRIu32 " %s\n", id,
            inert(raw, name, sizeof name));
  }
}

lt_status info_read_losses(struct info_said *said) {
  uint64_t n[LT_LOST_LIMIT];
  lt_event e;
  lt_status status = lt_reader_losses(said->reader, n);
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++)
    said->lost[i] = (struct info_loss){status == LT_OK ? n[i] : 0, -1, -1};
  if (status != LT_OK || said->info->n_lost == 0)
    return status;
  lt_reader_select(said->reader, UINT64_C(1) << LT_LOST, LT_ALL_THREADS);
  while ((status = lt_reader_next(said->reader, &e)) == LT_OK) {
    if (e.kind != LT_LOST || e.x >= LT_LOST_LIMIT)
      continue;
    struct info_loss *loss = &said->lost[e.x];
    uint64_t most = e.time_ns > 0 ? (uint64_t)e.time_ns : 0;
    int64_t from = e.time_ns - (int64_t)(e.b < most ? e.b : most);
    if (loss->first_ns < 0 || from < loss->first_ns)
      loss->first_ns = from;
    if (e.time_ns > loss->last_ns)
      loss->last_ns = e.time_ns;
  }
  lt_reader_select(said->reader, UINT64_MAX, LT_ALL_THREADS);
  return status == LT_END ? LT_OK : status;
}

static void put_lost(FILE *file, const struct info_said *v) {
  units_buf count, from, to;
  fprintf(file, "lost       %s\n", units_count(count, v->info->n_lost));
  for (unsigned i = 0; i < LT_LOST_LIMIT; i++) {
    const struct info_loss *loss = &v->lost[i];
    if (!loss->n)
      continue;
    fprintf(file, "           %s: %s", units_count(count, loss->n),
            lt_lost_text(i));
    if (loss->first_ns >= 0)
      fprintf(file, ", from %s to %s", units_at(from, loss->first_ns),
              units_at(to, loss->last_ns));
    fputc('\n', file);
  }
}

static void put_notes(FILE *file, const struct info_said *v) {
  const lt_info *info = v->info;
  char text[1024];
  units_buf count, least;
  if (info->n_short_calls)
    fprintf(file,
            "note       %s blocking calls shorter than %s are counted only\n",
            units_count(count, info->n_short_calls),
            units_ns(least, (int64_t)info->min_block_ns));
  if (info->untracked)
    fprintf(file,
            "note       %s callbacks could not be followed: there was no "
            "memory to note them\n",
            units_count(count, info->untracked));
  for (uint32_t i = 0; i < info->n_notes; i++)
    fprintf(file, "note       %s\n",
            inert(lt_reader_note(v->reader, i), text, sizeof text));
}

static bool is_libuv(const char *path) {
  const char *slash = strrchr(path, '/');
  return strncmp(slash ? slash + 1 : path, "libuv.so", 8) == 0;
}

/* Which libuv was hooked: none, one, or several in one process. */
static void put_coverage(FILE *file, const struct info_said *v) {
  const lt_info *info = v->info;
  char text[600];
  unsigned n = 0;
  for (uint32_t i = 1; i <= info->n_modules; i++) {
    const lt_module_def *m = lt_reader_module(v->reader, i);
    bool is_new = m && is_libuv(m->path);
    for (uint32_t j = 1; is_new && j < i; j++) {
      const lt_module_def *other = lt_reader_module(v->reader, j);
      is_new = !other || strcmp(m->path, other->path) != 0;
    }
    if (is_new)
      fprintf(file, "%s%s\n", n++ ? "           " : "coverage   ",
              inert(m->path, text, sizeof text));
  }
  bool has_version = info->uv_version && *info->uv_version;
  if (n == 0 && !has_version)
    fputs(
        "coverage   no libuv was loaded as a library: no callbacks are seen\n",
        file);
  else if (!has_version)
    fputs("           no call of it was seen: no callbacks are seen\n", file);
  else if (n > 1)
    fputs("           several copies of libuv: calls that the dynamic linker "
          "binds go to the\n           first, others are not seen\n",
          file);
}

void info_text(FILE *file, const struct info_said *v) {
  const lt_info *info = v->info;
  char text[4200];
  units_buf a, b;
  fprintf(file, "file       %s, %s, format version %" PRIu32 "\n",
          inert(v->path, text, sizeof text), units_bytes(a, info->size_bytes),
          info->version);
  fprintf(file, "health     %s%s\n", report_health(info, text, sizeof text),
          info->by_index && !v->has_verify
              ? ", as its index says (--verify reads every block)"
              : "");
  if (v->has_verify)
    fprintf(file, "verify     %s\n",
            v->verified == LT_OK ? "every block and event is whole"
                                 : lt_status_text(v->verified));
  fprintf(file, "process    %s, pid %d%s%s\n", inert(info->comm, text, 64),
          (int)info->pid,
          info->uv_version && *info->uv_version ? ", libuv " : "",
          inert(info->uv_version, text + 64, 64));
  time_of(info, text, sizeof text);
  fprintf(file, "recorded   %s, for %s, by %s\n", text,
          units_ns(a, info->end_ns - info->begin_ns),
          inert(info->recorder, text + 100, 200));
  fprintf(file, "end        %s\n", report_end(info, text, sizeof text));
  fprintf(file, "events     %s", units_count(a, info->n_events));
  if (info->n_events)
    fprintf(file, ", %.1f bytes each in the file",
            (double)info->size_bytes / (double)info->n_events);
  fprintf(file,
          "\nblocks     %" PRIu32 " of events, %" PRIu32 " epochs, %" PRIu32
          " generations\n",
          info->n_chunks, info->n_epochs, info->n_generations);
  put_lost(file, v);
  put_loops(file, v);
  put_threads(file, v);
  fprintf(file, "names      %s sites, %s strings\n",
          units_count(a, info->n_sites), units_count(b, info->n_strings));
  put_modules(file, v);
  put_coverage(file, v);
  put_notes(file, v);
}
