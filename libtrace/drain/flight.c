/* Generations in memory, and out of it.
 *
 * Invariant: each part begins with a GENERATION block and holds whole blocks,
 * as they would stand in a file but for their numbers, which a snapshot gives
 * them.  Called by the writer, by snapshot.c, and by recovery. */
#include "drain/flight.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/tail.h"

#define SLACK_BYTES (UINT64_C(16) << 20) /* definitions, and an epoch */

struct part {
  struct part *next;
  uint64_t begin; /* in the window */
  int64_t last_ns;
};

struct lti_flight {
  uint64_t max_bytes, max_ns;
  struct part *first, *last;
  struct lti_window *window;
  bool outlives;
};

struct lti_flight *lti_flight_new(uint64_t bytes, uint64_t ns,
                                  const char *path) {
  struct lti_flight *f = calloc(1, sizeof *f);
  uint64_t capacity = bytes + bytes / 4 + SLACK_BYTES;
  if (!f)
    return NULL;
  f->max_bytes = bytes;
  f->max_ns = ns ? ns : UINT64_MAX;
  if (path)
    f->window = lti_window_new(path, capacity);
  f->outlives = f->window != NULL;
  if (!f->window)
    f->window = lti_window_new(NULL, capacity);
  if (f->window)
    return f;
  free(f);
  return NULL;
}

static void drop_first(struct lti_flight *f) {
  struct part *part = f->first;
  f->first = part->next;
  free(part);
  if (f->first)
    lti_window_forget(f->window, f->first->begin);
}

void lti_flight_free(struct lti_flight *f) {
  if (!f)
    return;
  while (f->first)
    drop_first(f);
  lti_window_free(f->window);
  free(f);
}

bool lti_flight_outlives(const struct lti_flight *f) {
  return f->outlives;
}

const struct lti_window *lti_flight_window(const struct lti_flight *f) {
  return f->window;
}

void lti_flight_header(struct lti_flight *f,
                       const uint8_t bytes[LTI_FILE_HEADER_BYTES]) {
  lti_window_set_header(f->window, bytes);
}

/* The rest is a window without it? */
static bool first_is_over(const struct lti_flight *f) {
  const struct part *first = f->first;
  return first && first->next &&
         (lti_window_end(f->window) - first->next->begin >= f->max_bytes ||
          (uint64_t)(f->last->last_ns - first->last_ns) >= f->max_ns);
}

static bool begin_part(struct lti_flight *f) {
  struct part *part = calloc(1, sizeof *part);
  if (!part)
    return false;
  part->begin = lti_window_end(f->window);
  if (f->first)
    f->last->next = part;
  else
    f->first = part;
  f->last = part;
  return true;
}

static bool make_room(struct lti_flight *f, uint64_t size) {
  while (!lti_window_reserve(f->window, size)) {
    if (!f->first || !f->first->next)
      return false;
    drop_first(f);
  }
  return true;
}

bool lti_flight_keep(struct lti_flight *f, const uint8_t *header,
                     const void *payload, size_t size) {
  struct lti_block_header h;
  if (lti_block_header_get(header, &h) != LT_OK ||
      (h.type == LTI_BLOCK_GENERATION && !begin_part(f)) || !f->last ||
      !make_room(f, LTI_BLOCK_HEADER_BYTES + (uint64_t)size))
    return false;
  lti_window_put(f->window, header, LTI_BLOCK_HEADER_BYTES);
  lti_window_put(f->window, payload, size);
  f->last->last_ns = h.last_ns;
  while (first_is_over(f))
    drop_first(f);
  if (h.type == LTI_BLOCK_EPOCH)
    lti_window_publish(f->window);
  return true;
}

/* What a snapshot is being written with. */
struct out {
  const struct lti_window *window;
  int fd, error;
  uint32_t n_generations;
  struct lti_snapshot told;
};

static void put(struct out *o, const void *bytes, size_t size) {
  if (!o->error)
    o->error = lti_tail_write(o->fd, write, bytes, size);
  o->told.size_bytes += size;
}

static void put_payload(struct out *o, uint64_t at, size_t size) {
  while (size && !o->error) {
    const uint8_t *bytes;
    size_t n = lti_window_at(o->window, at, size, &bytes);
    put(o, bytes, n);
    at += n;
    size -= n;
  }
}

static void put_block(struct out *o, struct lti_block_header *h, uint64_t at) {
  uint8_t header[LTI_BLOCK_HEADER_BYTES];
  h->number = o->told.n_blocks++;
  if (h->type == LTI_BLOCK_GENERATION) {
    h->index = o->n_generations++;
    if (h->index == 0)
      o->told.first_ns = h->first_ns;
  }
  if (h->type == LTI_BLOCK_EVENTS) {
    o->told.n_events += h->count;
    o->told.n_lost += h->lost;
  }
  o->told.last_ns = h->last_ns;
  lti_block_header_put(header, h);
  put(o, header, sizeof header);
  put_payload(o, at, h->stored_bytes);
}

/* The header of the block at a place; false where there is no whole block. */
static bool block_at(const struct lti_window *w, uint64_t at,
                     struct lti_block_header *h) {
  uint8_t bytes[LTI_BLOCK_HEADER_BYTES];
  uint64_t left = lti_window_end(w) - at;
  if (left < sizeof bytes)
    return false;
  for (size_t got = 0; got < sizeof bytes;) {
    const uint8_t *from;
    size_t n = lti_window_at(w, at + got, sizeof bytes - got, &from);
    memcpy(bytes + got, from, n);
    got += n;
  }
  return lti_block_header_get(bytes, h) == LT_OK &&
         h->header_bytes == sizeof bytes &&
         h->stored_bytes <= left - sizeof bytes;
}

static void put_window(struct out *o) {
  uint8_t header[LTI_FILE_HEADER_BYTES];
  struct lti_block_header h;
  lti_window_header(o->window, header);
  put(o, header, sizeof header);
  for (uint64_t at = lti_window_begin(o->window);
       block_at(o->window, at, &h) && !o->error;) {
    at += LTI_BLOCK_HEADER_BYTES + (uint64_t)h.stored_bytes;
    put_block(o, &h, at - h.stored_bytes);
  }
}

int lti_flight_write(const struct lti_window *window, int fd,
                     const struct lti_snapshot_end *end,
                     struct lti_snapshot *snapshot) {
  struct out o = {.window = window, .fd = fd};
  struct lti_index_bytes index = {0};
  put_window(&o);
  if (o.error)
    return o.error;
  struct lti_tail tail = {.fd = fd,
                          .write = write,
                          .at = o.told.size_bytes,
                          .number = o.told.n_blocks,
                          .time_ns = o.told.last_ns,
                          .reason = (uint64_t)end->reason,
                          .status = (uint32_t)end->status,
                          .n_events = o.told.n_events,
                          .n_lost = o.told.n_lost};
  if (end->make_index)
    (void)end->make_index(fd, LTI_FILE_HEADER_BYTES, o.told.size_bytes,
                          o.told.last_ns, end->breathe, end->context, &index);
  int error = lti_tail_put(&tail, &index);
  lti_index_bytes_free(&index);
  o.told.size_bytes = tail.at;
  *snapshot = o.told;
  return error;
}
