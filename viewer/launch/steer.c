/* The verbs of a recording that runs.
 *
 * Invariant: every answer is made from the drain's own books.  Called by
 * launch.c for control.c. */
#include "config.h"

#include "launch/steer.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record/clock.h"

static const char *mode_name(uint32_t mode) {
  return mode == LTI_MODE_LOSSLESS ? "lossless"
         : mode == LTI_MODE_FLIGHT ? "flight"
                                   : "drop";
}

/* One line stays one line, whatever a name holds. */
static void put_word(FILE *out, const char *word) {
  for (; *word; word++)
    fputc(*word == '\n' || *word == ' ' ? '_' : *word, out);
}

/* Where it is, for somebody in another folder. */
static void put_path(FILE *out, const char *path) {
  char whole[PATH_MAX];
  const char *at = realpath(path, whole) ? whole : path;
  for (; *at; at++)
    fputc(*at == '\n' ? '?' : *at, out);
}

static void put_status(const struct steer *s, FILE *out) {
  size_t n = 0;
  const struct lti_drain_file *files = lti_drain_files(s->drain, &n);
  bool on = atomic_load(&s->arena->enabled);
  fprintf(out, "ok\nrecorder %d\ncommand %d\nstate %s\nmode %s\n",
          (int)getpid(), (int)s->command,
          s->is_over ? "over"
          : on       ? "on"
                     : "off",
          mode_name(s->arena->mode));
  fprintf(out, "elapsed %" PRIu64 "\n", lti_monotonic_ns() - s->began_ns);
  for (size_t i = 0; files && i < n; i++) {
    fprintf(out, "trace %d %" PRIu64 " %" PRIu64 " %" PRIu64 " ",
            (int)files[i].pid, files[i].n_events, files[i].n_lost,
            files[i].size_bytes);
    put_word(out, files[i].comm);
    fputc(' ', out);
    if (files[i].path)
      put_path(out, files[i].path);
    fputc('\n', out);
  }
}

static uint64_t count_snapshots(const struct lti_drain_file *files, size_t n) {
  uint64_t sum = 0;
  for (size_t i = 0; files && i < n; i++)
    sum += files[i].n_snapshots;
  return sum;
}

/* Written before it is answered: that takes some 50 ms. */
static void put_snapshot(const struct steer *s, FILE *out) {
  const struct timespec pause = {0, 2000000};
  size_t n;
  if (s->arena->mode != LTI_MODE_FLIGHT) {
    fputs("error it is not a flight recorder (record --mode flight)\n", out);
    return;
  }
  const struct lti_drain_file *files = lti_drain_files(s->drain, &n);
  uint64_t before = count_snapshots(files, n);
  lti_drain_snapshot(s->drain);
  for (int i = 0; i < 1000 && lti_drain_is_asked(s->drain); i++) {
    (void)lti_drain_step(s->drain);
    nanosleep(&pause, NULL);
  }
  files = lti_drain_files(s->drain, &n);
  if (count_snapshots(files, n) == before) {
    fputs("error no snapshot was written: no loop has turned yet, or the disk "
          "is full\n",
          out);
    return;
  }
  fputs("ok\n", out);
  for (size_t i = 0; i < n; i++)
    if (files[i].n_snapshots) {
      fputs("wrote ", out);
      put_path(out, files[i].path);
      fputc('\n', out);
    }
}

static void put_answer(struct steer *s, const char *verb, FILE *out) {
  if (strcmp(verb, "status") == 0) {
    put_status(s, out);
  } else if (strcmp(verb, "on") == 0 || strcmp(verb, "off") == 0) {
    if (s->is_over) {
      fputs("error the recording is over; the command runs on\n", out);
      return;
    }
    lti_drain_switch(s->drain, strcmp(verb, "on") == 0);
    fputs("ok\n", out);
  } else if (strcmp(verb, "snapshot") == 0) {
    put_snapshot(s, out);
  } else {
    fputs("error this recorder does not know that word\n", out);
  }
}

char *steer_answer(void *context, const char *verb) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out)
    return NULL;
  put_answer(context, verb, out);
  if (fclose(out) != 0) {
    free(text);
    return NULL;
  }
  return text;
}
