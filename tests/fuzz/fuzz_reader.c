/* Fuzz the reader with whole files: whatever the bytes, it neither crashes nor
 * hangs, and events come in order; opened by its index or block by block, the
 * same events come.
 *
 *   clang -fsanitize=fuzzer,address,undefined ...     (see run.sh)
 *   gcc -DFUZZ_MAIN ...: fuzz_reader FILE...          runs files, no more
 *
 * A changed byte would nearly always stop at a CRC.  So the mutator takes a
 * trace apart into blocks, inflates their payloads, changes header fields,
 * payload bytes or the order of blocks, and puts it together again with CRCs
 * and sizes that are right.  Now and then it changes raw bytes instead. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <string.h>
#include <zlib.h>

#include <looptrace/reader.h>

#include "format/block.h"
#include "format/bytes.h"
#include "fuzz.h"
#include "read/state.h"

enum { EVENTS_MAX = 200000, BLOCKS_MAX = 64, PAYLOAD_MAX = 1 << 14 };

/* Texts end, and are readable. */
static size_t read_text(const char *text) {
  return text ? strlen(text) : 0;
}

static void look_up(const lt_reader *r) {
  const lt_info *info = lt_reader_info(r);
  size_t n = read_text(info->comm) + read_text(info->recorder) +
             read_text(info->uv_version) + read_text(info->problem_text);
  for (uint32_t i = 0; i < 64; i++) {
    const lt_site_def *site = lt_reader_site(r, i);
    const lt_module_def *module = lt_reader_module(r, i);
    const lt_thread_def *thread = lt_reader_thread(r, i);
    const lt_loop_def *loop = lt_reader_loop(r, i);
    n += read_text(lt_reader_string(r, i)) + read_text(lt_reader_note(r, i)) +
         read_text(lt_reader_callee(r, i));
    n += site ? read_text(site->function) + read_text(site->file) : 0;
    n += module ? read_text(module->path) + read_text(module->build_id) : 0;
    n += thread ? read_text(thread->name) : 0;
    n += loop ? read_text(loop->name) : 0;
  }
  must(n < (size_t)1 << 32, "texts without end");
}

/* Read on to the end.  Returns: how many events there were. */
static uint64_t read_events(lt_reader *r) {
  lt_event event;
  int64_t last = INT64_MIN;
  uint64_t n = 0;
  lt_status status;
  while ((status = lt_reader_next(r, &event)) == LT_OK && n < EVENTS_MAX) {
    must(event.time_ns >= last, "time goes back");
    must(lt_kind_lookup(event.kind) != NULL, "an unknown kind");
    must(event.ref >> 40 == 0, "a ref is too large");
    last = event.time_ns;
    n++;
  }
  must(status == LT_END || n == EVENTS_MAX, "no end");
  return n;
}

static void seek_to(lt_reader *r, int64_t time_ns) {
  const lt_open *opens;
  const lt_task_def *tasks;
  size_t n;
  must(lt_reader_seek(r, time_ns) == LT_OK, "seek");
  must(lt_reader_opens(r, &opens, &n) == LT_OK, "opens");
  for (size_t i = 1; i < n; i++)
    must(opens[i].thread >= opens[i - 1].thread, "opens are not in order");
  must(lt_reader_tasks(r, &tasks, &n) == LT_OK, "tasks");
  for (size_t i = 0; i < n; i++)
    (void)read_text(tasks[i].label);
}

/* What is given of the summary adds up. */
static void look_at_summary(lt_reader *r) {
  const lt_summary *sum;
  lt_status status = lt_reader_summary(r, &sum);
  must(status == LT_OK || status == LT_NOT_FOUND, "summary");
  for (uint32_t i = 0; status == LT_OK && i < sum->n_lanes; i++) {
    const lt_lane *lane = &sum->lanes[i];
    const lt_lane_bin *top = lane->level[sum->n_levels - 1];
    must(top->longest_ns == lane->longest_ns, "the longest turn");
    must(top->busy_ns <= lane->busy_ns, "busier than it was");
    for (uint32_t k = 0; k < lane->n_stalls; k++)
      must(lane->stalls[k].duration_ns <= lane->longest_ns, "a long stall");
  }
}

static uint64_t use(lt_reader *r) {
  const lt_info *info = lt_reader_info(r);
  uint64_t lost[LT_LOST_LIMIT];
  look_up(r);
  look_at_summary(r);
  uint64_t n = read_events(r);
  if (info->problem == LT_OK && n < EVENTS_MAX)
    must(n <= info->n_events, "more events than there are");
  must(!info->complete || info->problem == LT_OK, "complete and damaged");
  seek_to(r, 0);
  must(read_events(r) == n, "another number of events the second time");
  seek_to(r, info->end_ns / 2);
  (void)read_events(r);
  seek_to(r, INT64_MAX);
  lt_status status = lt_reader_verify(r);
  must(status == info->problem, "verify says another thing than info");
  must(lt_reader_losses(r, lost) == LT_OK, "losses");
  lt_reader_select(r, UINT64_C(1) << LT_RESUME, 0);
  must(read_events(r) <= n + info->n_chunks, "more events of one kind");
  return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path;
  int fd = scratch_file(&path);
  must(ftruncate(fd, (off_t)size) == 0, "ftruncate");
  write_at(fd, 0, data, size);
  lt_reader *r;
  lt_status status = lt_reader_open(path, &r);
  must((status == LT_OK) == (r != NULL), "a reader without OK");
  uint64_t n = status == LT_OK ? use(r) : 0;
  lt_reader_close(r);
  must(lti_reader_open(path, 0, &r) == status, "another status by the index");
  if (status == LT_OK && lt_reader_info(r)->by_index)
    must(use(r) == n, "another number of events by the index");
  lt_reader_close(r);
  return 0;
}

#ifdef FUZZ_MAIN
int main(int argc, char **argv) {
  static uint8_t bytes[64 << 20];
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    must(file != NULL, argv[i]);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, n);
  }
  return 0;
}
#else

/* A trace taken apart. */
struct part {
  struct lti_block_header head;
  uint8_t *payload; /* inflated */
  size_t size;
};

struct apart {
  uint8_t header[LTI_FILE_HEADER_BYTES];
  struct part parts[BLOCKS_MAX];
  unsigned n;
};

static unsigned random_state;

static unsigned any(unsigned below) {
  random_state = random_state * 1664525u + 1013904223u;
  return below ? (random_state >> 8) % below : 0;
}

/* uncompress() with one state for all calls. */
static bool inflate_into(uint8_t *to, uLongf *size, const uint8_t *from,
                         uint32_t from_size) {
  static z_stream z;
  static bool is_ready;
  if (!is_ready)
    must(inflateInit(&z) == Z_OK, "inflateInit");
  is_ready = true;
  must(inflateReset(&z) == Z_OK, "inflateReset");
  z.next_in = (Bytef *)(uintptr_t)from;
  z.avail_in = from_size;
  z.next_out = to;
  z.avail_out = (uInt)*size;
  bool fits = inflate(&z, Z_FINISH) == Z_STREAM_END;
  *size = z.total_out;
  return fits;
}

static void take_block(struct apart *a, const uint8_t *stored) {
  struct part *p = &a->parts[a->n];
  uLongf size = PAYLOAD_MAX;
  p->payload = malloc(PAYLOAD_MAX);
  must(p->payload != NULL, "malloc");
  if (!(p->head.flags & LTI_BLOCK_ZLIB)) {
    size =
        p->head.stored_bytes < PAYLOAD_MAX ? p->head.stored_bytes : PAYLOAD_MAX;
    memcpy(p->payload, stored, size);
  } else if (!inflate_into(p->payload, &size, stored, p->head.stored_bytes)) {
    free(p->payload);
    return;
  }
  p->size = size;
  a->n++;
}

static bool take_apart(struct apart *a, const uint8_t *data, size_t size) {
  a->n = 0;
  if (size < LTI_FILE_HEADER_BYTES)
    return false;
  memcpy(a->header, data, LTI_FILE_HEADER_BYTES);
  for (size_t at = LTI_FILE_HEADER_BYTES;
       a->n < BLOCKS_MAX && size - at >= LTI_BLOCK_HEADER_BYTES;) {
    struct lti_block_header *h = &a->parts[a->n].head;
    if (lti_block_header_get(data + at, h) != LT_OK) {
      at++;
      continue;
    }
    size_t left = size - at;
    if (h->header_bytes > left || h->stored_bytes > left - h->header_bytes)
      break;
    size_t whole = (size_t)h->header_bytes + h->stored_bytes;
    take_block(a, data + at + h->header_bytes);
    at += whole;
  }
  return a->n > 0;
}

static int64_t near_to(int64_t time) {
  return (int64_t)((uint64_t)time + any(9) - 4);
}

static void change_header(struct part *p) {
  static const uint32_t odd[] = {
      0,     1,     2,        63,       64,       65,         65535,
      65536, 65537, 1u << 20, 1u << 24, 1u << 31, 0xfffffffe, 0xffffffff};
  static const int64_t times[] = {
      0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 60, -(INT64_C(1) << 60)};
  uint32_t number = odd[any(sizeof odd / sizeof *odd)];
  int64_t time = times[any(sizeof times / sizeof *times)];
  switch (any(8)) {
  case 0:
    p->head.type = (uint8_t)any(9);
    break;
  case 1:
    p->head.index = any(2) ? any(4) : number;
    break;
  case 2:
    p->head.count = any(2) ? p->head.count + any(3) - 1 : number;
    break;
  case 3:
    p->head.first_ns = any(2) ? near_to(p->head.first_ns) : time;
    break;
  case 4:
    p->head.last_ns = any(2) ? near_to(p->head.last_ns) : time;
    break;
  case 5:
    p->head.kinds ^= UINT64_C(1) << any(64);
    break;
  case 6:
    p->head.flags ^= (uint8_t)(1u << any(8));
    break;
  default:
    p->head.lost = number;
    break;
  }
}

/* Blocks change places, are doubled, or go. */
static void change_order(struct apart *a) {
  unsigned i = any(a->n), j = any(a->n);
  struct part moved = a->parts[i];
  if (any(3) == 0 && a->n > 1) {
    free(moved.payload);
    a->n--;
    memmove(&a->parts[i], &a->parts[i + 1], (a->n - i) * sizeof moved);
  } else if (any(2) && a->n < BLOCKS_MAX) {
    uint8_t *copy = malloc(PAYLOAD_MAX);
    must(copy != NULL, "malloc");
    memcpy(copy, moved.payload, moved.size);
    moved.payload = copy;
    memmove(&a->parts[j + 1], &a->parts[j], (a->n - j) * sizeof moved);
    a->parts[j] = moved;
    a->n++;
  } else {
    a->parts[i] = a->parts[j];
    a->parts[j] = moved;
  }
}

/* compress2() with one small state for all calls; false: it does not fit. */
static bool deflate_into(uint8_t *to, uLongf *size, const struct part *p) {
  static z_stream z;
  static bool is_ready;
  if (!is_ready)
    must(deflateInit2(&z, 1, Z_DEFLATED, 9, 1, Z_FIXED) == Z_OK, "deflateInit");
  is_ready = true;
  must(deflateReset(&z) == Z_OK, "deflateReset");
  z.next_in = p->payload;
  z.avail_in = (uInt)p->size;
  z.next_out = to;
  z.avail_out = (uInt)*size;
  bool fits = deflate(&z, Z_FINISH) == Z_STREAM_END;
  *size = z.total_out;
  return fits;
}

/* Returns: the bytes used, 0 when they do not fit. */
static size_t put_block(const struct part *p, uint32_t number, uint8_t *to,
                        size_t room) {
  struct lti_block_header h = p->head;
  uLongf size =
      room > LTI_BLOCK_HEADER_BYTES ? room - LTI_BLOCK_HEADER_BYTES : 0;
  uint8_t *at = to + LTI_BLOCK_HEADER_BYTES;
  bool is_packed = h.flags & LTI_BLOCK_ZLIB;
  if (is_packed ? !deflate_into(at, &size, p) : size < p->size)
    return 0;
  if (!is_packed) {
    memcpy(at, p->payload, p->size);
    size = p->size;
  }
  h.stored_bytes = (uint32_t)size;
  h.raw_bytes = (uint32_t)p->size;
  h.payload_crc = lti_crc32(at, size);
  h.number = number;
  lti_block_header_put(to, &h);
  return LTI_BLOCK_HEADER_BYTES + size;
}

static size_t put_together(const struct apart *a, uint8_t *data, size_t max,
                           bool with_numbers) {
  size_t used = LTI_FILE_HEADER_BYTES;
  if (max < used)
    return 0;
  memcpy(data, a->header, used);
  lti_put_u32(data + 60, lti_crc32(data, 60));
  for (unsigned i = 0; i < a->n; i++) {
    uint32_t number = with_numbers ? i : a->parts[i].head.number;
    size_t n = put_block(&a->parts[i], number, data + used, max - used);
    if (!n)
      break;
    used += n;
  }
  return used;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed) {
  static struct apart a;
  random_state = seed;
  if (any(16) == 0 || !take_apart(&a, data, size))
    return LLVMFuzzerMutate(data, size, max_size);
  bool with_numbers = any(8) != 0;
  for (unsigned times = 1 + any(3); times; times--) {
    struct part *p = &a.parts[any(a.n)];
    for (unsigned i = 0; i < 3 && p->head.type != LTI_BLOCK_INDEX; i++)
      p = &a.parts[any(a.n)];
    unsigned what = any(8);
    if (what == 0)
      change_order(&a);
    else if (what < 3)
      change_header(p);
    else
      p->size = LLVMFuzzerMutate(p->payload, p->size, PAYLOAD_MAX);
  }
  size_t used = put_together(&a, data, max_size, with_numbers);
  for (unsigned i = 0; i < a.n; i++)
    free(a.parts[i].payload);
  return used ? used : size;
}
#endif
