/* A look at a program's file: why could nothing be recorded in it? */
#ifndef LTV_PROGRAM_H
#define LTV_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* What the file of a command is.  Of a script: what its interpreter is. */
struct program_facts {
  char script[PATH_MAX]; /* the script, "" when the command is none */
  char path[PATH_MAX];   /* the program itself, or the script's interpreter */
  bool is_elf;
  bool is_foreign;       /* other word size or machine than this program */
  bool is_static;        /* no dynamic loader: nothing can be preloaded */
  bool is_other_libc;    /* its loader is not glibc's */
  bool is_setuid;        /* setuid or setgid bit */
  bool has_capabilities; /* file capabilities */
  bool owns_uv;          /* has a uv_run of its own */
  bool links_uv;         /* libuv.so is among what it is linked with */
};

/* Find out about the program at path, through at most four scripts (#!).
 *
 * path:    as it was executed.
 * Cost:    reads the file's symbol tables; for a program that does not name
 *          libuv itself, runs the dynamic loader's --list (never the program).
 * Returns: false when the file cannot be read; facts->path is set even then. */
bool program_look(const char *path, struct program_facts *facts);

/* Find a command as execvp() would.
 *
 * path:    the file, set when the result is 0.
 * Returns: 0, or the errno that tells why not: ENOENT, EACCES, ENOTDIR... */
int program_find(const char *name, char path[PATH_MAX]);

#endif
