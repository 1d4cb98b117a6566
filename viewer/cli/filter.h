/* The language of search and filter: words that all must match.
 *
 *   dur>10ms dur<1s dur:5ms..50ms   how long
 *   kind:timer,fs                   any of these kinds
 *   loop:main  site:on_*  task:#12  rule:stall
 *   /regular expression/            on any name; the slash behind it is one
 *                                   that a blank follows, or nothing
 *   word                            part of any name
 *   -word  -kind:timer              not so
 */
#ifndef LTV_FILTER_H
#define LTV_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_TEXT_MAX 160
#define FILTER_TERMS_MAX 16

/* Keys, what they take, and an example for the help. */
#define FILTER_MAP(X)                                                          \
  X(DUR, "dur", "duration", "dur>10ms")                                        \
  X(KIND, "kind", "kind of callback or call", "kind:timer")                    \
  X(LOOP, "loop", "name of the loop", "loop:main")                             \
  X(SITE, "site", "function or file", "site:on_*")                             \
  X(TASK, "task", "number of a task", "task:#12")                              \
  X(RULE, "rule", "rule of check", "rule:stall")

enum filter_key {
#define FILTER_ENUM(name, text, doc, example) FILTER_##name,
  FILTER_MAP(FILTER_ENUM)
#undef FILTER_ENUM
      FILTER_REGEX,
  FILTER_WORD
};

struct filter_term {
  enum filter_key key;
  bool is_not;
  int64_t from_ns, to_ns;      /* DUR */
  char value[FILTER_TEXT_MAX]; /* alternatives, separated by commas */
  regex_t regex;               /* REGEX; owned */
};

struct filter {
  char text[FILTER_TEXT_MAX];
  struct filter_term terms[FILTER_TERMS_MAX];
  size_t n; /* 0: everything matches */
};

/* What a filter looks at; texts may be NULL. */
struct filter_thing {
  int64_t duration_ns;
  uint64_t task;
  const char *kind, *loop, *site, *other_site, *name, *rule;
};

/* Understand a text.  On failure the filter matches everything, and error says
 * what is wrong, in a sentence. */
bool filter_parse(struct filter *filter, const char *text, char *error,
                  size_t size);
void filter_free(struct filter *filter);
bool filter_match(const struct filter *filter,
                  const struct filter_thing *thing);
/* The same as far as numbers tell it: false spares to find the texts. */
bool filter_may_match(const struct filter *filter, int64_t duration_ns,
                      uint64_t task);
/* The key of a name's beginning; the n-th that fits, NULL for no more. */
const char *filter_key_name(const char *prefix, size_t length, size_t n);

#endif
