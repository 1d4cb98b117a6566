/* The rules of check: what each means, and what can be done. */
#ifndef LTV_RULE_H
#define LTV_RULE_H

#include <stddef.h>

struct rule {
  const char *name;    /* "stall": stable, what users write */
  const char *summary; /* a clause of at most 60 letters */
  const char *means, *measured, *fix, *silence; /* paragraphs of lines */
};

/* All rules, in the order of the list.  Static. */
const struct rule *rules_all(size_t *n);

/* Returns: NULL where there is none of that name. */
const struct rule *rule_find(const char *name);

/* The rule whose name is nearest to a word that is none; NULL when none is
 * near. */
const struct rule *rule_near(const char *word);

#endif
