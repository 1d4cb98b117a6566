/* What the descriptors of the program are, from one moment to the next.
 *
 * Invariant: memory is bounded by FDS_MAX, whatever a trace says.  Called by
 * the builder. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"

#define FDS_MAX 65536u

void fds_name(struct builder *b, const lt_event *e) {
  if (e->ref == 0 || e->ref > FDS_MAX)
    return;
  size_t fd = (size_t)e->ref - 1;
  if (fd >= b->n_fd_names) {
    size_t n = (fd | 63) + 1;
    uint64_t *names = realloc(b->fd_names, n * sizeof *names);
    if (!names) {
      b->is_out_of_memory = true;
      return;
    }
    memset(names + b->n_fd_names, 0, (n - b->n_fd_names) * sizeof *names);
    b->fd_names = names;
    b->n_fd_names = n;
  }
  b->fd_names[fd] = e->a;
}

uint64_t fds_name_of(const struct builder *b, unsigned callee, uint64_t ref) {
  return model_waits_for_fd(callee, ref) && ref <= b->n_fd_names
             ? b->fd_names[ref - 1]
             : 0;
}

void fds_fini(struct builder *b) {
  free(b->fd_names);
  b->fd_names = NULL;
  b->n_fd_names = 0;
}
