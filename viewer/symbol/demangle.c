/* Mangled names made readable, by the C++ runtime library.
 *
 * Invariant: a name that is not understood is left as it stands; nothing is
 * cut off unless what remains is a name.  Called by table.c. */
#include "config.h"

#include "symbol/demangle.h"

#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Substitutions make a name grow; longer ones are not worth the risk. */
#define MANGLED_MAX 1000

typedef char *demangle_function(const char *, char *, size_t *, int *);

static demangle_function *cxa_demangle;

/* By name at run time: looptrace is C, and most programs that it records are.
 * Never closed: the function is used until the end. */
static void find_library(void) {
  static const char *const names[] = {"libstdc++.so.6", "libc++abi.so.1"};
  for (size_t i = 0; !cxa_demangle && i < 2; i++) {
    void *library = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "__cxa_demangle") : NULL;
    memcpy(&cxa_demangle, &symbol, sizeof cxa_demangle);
  }
}

/* Where the parameters begin: the '(' that belongs to the last ')'.  NULL:
 * there are none, or nothing would remain. */
static char *parameters(char *name) {
  char *last = strrchr(name, ')');
  int depth = 0;
  for (char *at = last; at && at >= name; at--) {
    depth += *at == ')';
    depth -= *at == '(';
    if (depth == 0)
      return at > name ? at : NULL;
  }
  return NULL;
}

/* "operator<", "operator()", "operator->": their brackets open nothing. */
static size_t operator_length(const char *at) {
  static const char word[] = "operator";
  size_t n = sizeof word - 1;
  if (strncmp(at, word, n) != 0 || isalnum((unsigned char)at[n]) ||
      at[n] == '_')
    return 0;
  if (strncmp(at + n, "()", 2) == 0)
    return n + 2;
  return n + strspn(at + n, "<>-=!+*/%^&|~,[]");
}

/* A template's name has its return type before it: the name begins after the
 * last space outside of all brackets. */
static char *without_return_type(char *name) {
  char *begin = name;
  int depth = 0;
  for (char *at = name; *at; at++) {
    size_t n = operator_length(at);
    if (n > 0) {
      at += n - 1;
      if (at[1] == ' ')
        break; /* "operator new", "operator bool" */
      continue;
    }
    depth += strchr("<({[", *at) != NULL;
    depth -= strchr(">)}]", *at) != NULL;
    if (*at == ' ' && depth == 0)
      begin = at + 1;
  }
  return depth == 0 && *begin ? begin : name;
}

/* Rust's older scheme: "::h" and 16 hex digits. */
static void cut_hash(char *name) {
  size_t n = strlen(name);
  if (n > 19 && strncmp(name + n - 19, "::h", 3) == 0 &&
      strspn(name + n - 16, "0123456789abcdef") == 16)
    name[n - 19] = 0;
}

char *symbol_demangle(const char *name) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  int status = 0;
  if (strncmp(name, "_Z", 2) != 0 || strlen(name) > MANGLED_MAX)
    return NULL;
  pthread_once(&once, find_library);
  char *full = cxa_demangle ? cxa_demangle(name, NULL, NULL, &status) : NULL;
  if (!full || status != 0) {
    free(full);
    return NULL;
  }
  char *cut = parameters(full);
  if (cut)
    *cut = 0;
  cut_hash(full);
  char *begin = without_return_type(full);
  memmove(full, begin, strlen(begin) + 1);
  return full;
}
