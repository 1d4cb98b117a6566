/* Names that are looked up on a thread of their own.
 *
 * The first look into a module's symbols or lines takes up to 50 ms of CPU, on a
 * busy machine a quarter of a second: too long for a recorder that is to see
 * loops that are stuck, rings that fill and commands that are stopped. */
#ifndef LTV_ASIDE_H
#define LTV_ASIDE_H

#include "symbol/symbol.h"

struct aside;

/* symbols: borrowed; nobody else may use them until aside_close().  Where no
 * thread can be had, names are looked up at once.
 * Returns: owned; NULL when memory is out. */
struct aside *aside_open(struct symbol *symbols);

/* Waits for what is being looked up.  NULL is a no-op. */
void aside_close(struct aside *aside);

/* As symbol_site(), however long it takes.  Names live until aside_close(), and
 * of code that is in no file until the next call.  Threads: one at a time. */
bool aside_site(struct aside *aside, int32_t pid, const char *path,
                uint64_t offset, struct lti_name *name);

/* A namer whose prepare() waits until its deadline; the context is a struct
 * aside. */
extern const struct lti_namer aside_namer;

#endif
