/* Time by site: one row for each function that ran as a callback of a kind, and
 * for each blocking call made at a place.
 *
 * Invariant: at most SITES_MAX rows; the rest is summed up in the rows of site
 * 0.  Called by the builder at the end of each slice and call. */
#include <stdlib.h>

#include "model/build.h"

static struct site_row *row_make(struct sites *sites, uint32_t site,
                                 uint32_t kind, bool is_call, uint64_t key) {
  struct site_row *row;
  row = calloc(1, sizeof *row);
  struct model_histogram *time = calloc(1, sizeof *time);
  if (!row || !time) {
    free(row);
    free(time);
    return NULL;
  }
  row->site = (struct model_site){
      .site = site, .kind = kind, .is_call = is_call, .time = time};
  row->key = key;
  HASH_ADD(hh, sites->rows, key, sizeof row->key, row);
  if (!row->hh.tbl) { /* no memory for the table */
    free(row);
    free(time);
    return NULL;
  }
  return row;
}

static struct site_row *row_get(struct sites *sites, uint32_t site,
                                uint32_t kind, bool is_call) {
  struct site_row *row;
  if (HASH_COUNT(sites->rows) >= SITES_MAX)
    kind &= 0x3ff; /* bounds the rows of site 0, too */
  uint64_t key =
      (uint64_t)site << 24 | (uint64_t)(kind & 0xffff) << 1 | is_call;
  struct site_row **cached =
      &sites->cached[hash_number(&key, sizeof key) % SITES_CACHED];
  if (*cached && (*cached)->key == key)
    return *cached;
  HASH_FIND(hh, sites->rows, &key, sizeof key, row);
  if (!row && site != 0 && HASH_COUNT(sites->rows) >= SITES_MAX)
    return row_get(sites, 0, kind, is_call);
  if (!row)
    row = row_make(sites, site, kind, is_call, key);
  if (row)
    *cached = row;
  return row;
}

void sites_add(struct sites *sites, uint32_t site, uint32_t kind, bool is_call,
               int64_t total_ns, int64_t self_ns, struct model_histogram *all) {
  struct site_row *row = row_get(sites, site, kind, is_call);
  if (!row) {
    if (all)
      model_histogram_add(all, total_ns);
    return;
  }
  row->site.count++;
  row->site.total_ns = add_ns(row->site.total_ns, total_ns);
  row->site.self_ns = add_ns(row->site.self_ns, self_ns);
  if (total_ns > row->site.max_ns)
    row->site.max_ns = total_ns;
  model_histogram_add_both(row->site.time, all, total_ns);
}

static int by_total(const void *a, const void *b) {
  const struct model_site *x = a, *y = b;
  if (x->total_ns != y->total_ns)
    return x->total_ns < y->total_ns ? 1 : -1;
  if (x->site != y->site)
    return x->site < y->site ? -1 : 1;
  if (x->is_call != y->is_call)
    return x->is_call ? 1 : -1;
  return (x->kind > y->kind) - (x->kind < y->kind);
}

bool sites_finish(struct sites *sites, struct model *model) {
  size_t n = HASH_COUNT(sites->rows);
  model->sites = calloc(n ? n : 1, sizeof *model->sites);
  if (!model->sites)
    return false;
  struct site_row *row, *next;
  HASH_ITER(hh, sites->rows, row, next) {
    model->sites[model->n_sites++] = row->site;
    row->site.time = NULL; /* it is the model's now */
  }
  sites_fini(sites);
  qsort(model->sites, model->n_sites, sizeof *model->sites, by_total);
  return true;
}

void sites_fini(struct sites *sites) {
  struct site_row *row, *next;
  memset(sites->cached, 0, sizeof sites->cached);
  HASH_ITER(hh, sites->rows, row, next) {
    HASH_DEL(sites->rows, row);
    free(row->site.time);
    free(row);
  }
}
