/* One file of code, opened for naming: symbol tables and DWARF lines. */
#ifndef LTV_SYMBOL_MODULE_H
#define LTV_SYMBOL_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "drain/drain.h"

struct module;

/* Read the ELF file behind fd.
 *
 * fd:   of a regular file; taken over, also on failure.
 * root: where its files are seen, "/proc/PID/root" or "": separate debug files
 *       (/usr/lib/debug/.build-id) are looked for there and here.
 * Returns: owned; NULL when it is not ELF or memory is out. */
struct module *module_open(int fd, const char *root);
void module_close(struct module *module);

/* Name an offset; see symbol.h for what an offset is.  Strings live as long as
 * the module.  false: no name. */
bool module_name(struct module *module, uint64_t offset, struct lti_name *name);

/* Hex, NULL where there is none; lives as long as the module. */
const char *module_build_id(const struct module *module);

#endif
