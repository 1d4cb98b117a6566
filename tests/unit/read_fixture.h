/* Trace files for the tests of read/: made block by block in memory, whole or
 * spoiled, and written to a temporary file. */
#ifndef READ_FIXTURE_H
#define READ_FIXTURE_H

#include <looptrace/reader.h>

#include "format/block.h"
#include "format/brackets.h"
#include "format/bytes.h"

enum { FIXTURE_BYTES = 1 << 20, FIXTURE_BLOCKS = 64, FIXTURE_THREADS = 4 };

struct fixture {
  size_t size;
  uint32_t number;             /* of the next block */
  uint32_t n_events, n_blocks; /* of the epoch */
  uint64_t total;              /* events so far */
  uint32_t n_generations;
  size_t at[FIXTURE_BLOCKS]; /* where each block begins */
  struct lti_brackets open[FIXTURE_THREADS];
  uint8_t bytes[FIXTURE_BYTES];
};

/* Begin: the file header. */
void fixture_begin(struct fixture *f);

/* Put a block of any sort; sizes, number, CRC and flags are filled in unless
 * head says other than 0. deflate: whether the payload is. */
void fixture_block(struct fixture *f, struct lti_block_header head,
                   const void *payload, size_t size, bool deflate);

/* Definitions are added to out, then put by fixture_defs(). */
void fixture_def(struct lti_out *out, unsigned type, const struct lti_out *body,
                 const uint8_t *start);
void fixture_string(struct lti_out *out, uint64_t id, const char *text);
void fixture_numbers(struct lti_out *out, unsigned type, const uint64_t *values,
                     int n);
/* type: GENERATION or DEFS; n definitions that stand in [start, out->at). */
void fixture_defs(struct fixture *f, unsigned type, const uint8_t *start,
                  const struct lti_out *out, uint32_t n);

/* A generation with a string, two threads and one live task. */
void fixture_generation(struct fixture *f);

/* An EVENTS block by the recorder's encoder. */
void fixture_events(struct fixture *f, uint32_t thread, const lt_event *events,
                    size_t n);
void fixture_epoch(struct fixture *f, int64_t watermark_ns);
void fixture_end(struct fixture *f);

/* Two threads, two generations, three epochs, ten blocks with events. */
void fixture_small(struct fixture *f);

/* Write size bytes to the temporary file; returns its path (static). */
const char *fixture_file(const void *bytes, size_t size);
/* Remove the temporary file. */
void fixture_remove(void);

/* Open such a file; the status must be OK. */
lt_reader *fixture_open(const struct fixture *f);

/* Read up to max events.  Returns: how many there were. */
size_t fixture_read(lt_reader *reader, lt_event *events, size_t max);

#endif
