/* Parsing and matching; knows nothing of the model.
 *
 * Invariant: a filter that was not understood matches everything.  Called by
 * the viewer (hits.c, prompt.c) and export. */
#include "cli/filter.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/duration.h"

static const char *const key_names[] = {
#define FILTER_NAME(name, text, doc, example) text,
    FILTER_MAP(FILTER_NAME)
#undef FILTER_NAME
};
#define N_KEYS (sizeof key_names / sizeof *key_names)

const char *filter_key_name(const char *prefix, size_t length, size_t n) {
  for (size_t i = 0; i < N_KEYS; i++)
    if (!strncmp(key_names[i], prefix, length) && n-- == 0)
      return key_names[i];
  return NULL;
}

static bool parse_time(const char *text, size_t length, int64_t *ns) {
  char copy[32];
  uint64_t value;
  if (length >= sizeof copy)
    return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  if (duration_parse(copy, &value) != LT_OK || value > INT64_MAX)
    return false;
  *ns = (int64_t)value;
  return true;
}

static bool parse_duration(struct filter_term *t, char op, const char *value) {
  const char *dots = strstr(value, "..");
  t->from_ns = 0;
  t->to_ns = INT64_MAX;
  if (op == '>')
    return parse_time(value, strlen(value), &t->from_ns);
  if (op == '<')
    return parse_time(value, strlen(value), &t->to_ns);
  if (!dots)
    return false;
  return (dots == value ||
          parse_time(value, (size_t)(dots - value), &t->from_ns)) &&
         (!dots[2] || parse_time(dots + 2, strlen(dots + 2), &t->to_ns));
}

/* One word; the slashes of a regular expression may hold blanks. */
static bool parse_term(struct filter_term *t, char *word, char *error,
                       size_t size) {
  *t = (struct filter_term){.is_not = word[0] == '-' && word[1]};
  word += t->is_not;
  size_t n = strlen(word);
  if (word[0] == '/') {
    t->key = FILTER_REGEX;
    word[n - (n > 1 && word[n - 1] == '/')] = '\0';
    if (regcomp(&t->regex, word + 1, REG_EXTENDED | REG_NOSUB | REG_ICASE)) {
      snprintf(error, size, "'%s' is no regular expression", word + 1);
      return false;
    }
    return true;
  }
  size_t key_n = strcspn(word, ":<>");
  t->key = FILTER_WORD;
  for (size_t i = 0; i < N_KEYS && word[key_n]; i++)
    if (strlen(key_names[i]) == key_n && !strncmp(key_names[i], word, key_n))
      t->key = (enum filter_key)i;
  bool has_key = t->key != FILTER_WORD;
  snprintf(t->value, sizeof t->value, "%s", has_key ? word + key_n + 1 : word);
  if (t->key == FILTER_DUR) {
    if (parse_duration(t, word[key_n], t->value))
      return true;
    snprintf(error, size, "'%s': a duration is dur>10ms or dur:5ms..50ms",
             word);
    return false;
  }
  if (has_key && word[key_n] != ':') {
    snprintf(error, size, "'%s': only dur takes < and >", word);
    return false;
  }
  return true;
}

/* Behind the slash that ends an expression: a blank is there, or nothing, as
 * paths have slashes, too.  NULL for none. */
static char *regex_end(char *p) {
  while ((p = strchr(p, '/')))
    if (!*++p || *p == ' ')
      return p;
  return NULL;
}

/* Cut the next word off. */
static char *next_word(char **text) {
  char *p = *text, *end;
  while (*p == ' ')
    p++;
  if (!*p)
    return NULL;
  char *slash = p + (*p == '-');
  if (*slash != '/' || !(end = regex_end(slash + 1)))
    end = p + strcspn(p, " ");
  *text = *end ? end + 1 : end;
  *end = '\0';
  return p;
}

bool filter_parse(struct filter *f, const char *text, char *error,
                  size_t size) {
  char copy[FILTER_TEXT_MAX], *rest = copy, *word;
  filter_free(f);
  snprintf(f->text, sizeof f->text, "%s", text);
  snprintf(copy, sizeof copy, "%s", text);
  while ((word = next_word(&rest))) {
    if (f->n == FILTER_TERMS_MAX)
      snprintf(error, size, "at most %d words", FILTER_TERMS_MAX);
    else if (parse_term(&f->terms[f->n], word, error, size)) {
      f->n++;
      continue;
    }
    filter_free(f);
    return false;
  }
  return true;
}

void filter_free(struct filter *f) {
  for (size_t i = 0; i < f->n; i++)
    if (f->terms[i].key == FILTER_REGEX)
      regfree(&f->terms[i].regex);
  f->n = 0;
  f->text[0] = '\0';
}

/* A pattern with * or ? is for the whole, any other for a part. */
static bool text_fits(const char *text, const char *pattern, size_t length) {
  char copy[FILTER_TEXT_MAX + 2];
  if (!text)
    return false;
  if (memchr(pattern, '*', length) || memchr(pattern, '?', length))
    snprintf(copy, sizeof copy, "%.*s", (int)length, pattern);
  else
    snprintf(copy, sizeof copy, "*%.*s*", (int)length, pattern);
  return fnmatch(copy, text, FNM_CASEFOLD) == 0;
}

static bool is_task(uint64_t task, const char *text, size_t length) {
  text += *text == '#' && length;
  return task && strtoull(text, NULL, 10) == task;
}

static bool fits_one(const struct filter_term *t, const struct filter_thing *x,
                     const char *value, size_t n) {
  switch (t->key) {
  case FILTER_KIND:
    return text_fits(x->kind, value, n);
  case FILTER_LOOP:
    return text_fits(x->loop, value, n);
  case FILTER_SITE:
    return text_fits(x->site, value, n) || text_fits(x->other_site, value, n);
  case FILTER_TASK:
    return is_task(x->task, value, n);
  case FILTER_RULE:
    return text_fits(x->rule, value, n);
  default:
    return text_fits(x->name, value, n) || text_fits(x->site, value, n) ||
           text_fits(x->other_site, value, n) ||
           (*value == '#' && is_task(x->task, value, n));
  }
}

static bool fits(const struct filter_term *t, const struct filter_thing *x) {
  if (t->key == FILTER_DUR)
    return x->duration_ns >= t->from_ns && x->duration_ns <= t->to_ns;
  if (t->key == FILTER_REGEX)
    return (x->name && !regexec(&t->regex, x->name, 0, NULL, 0)) ||
           (x->site && !regexec(&t->regex, x->site, 0, NULL, 0)) ||
           (x->other_site && !regexec(&t->regex, x->other_site, 0, NULL, 0));
  for (const char *p = t->value;;) {
    size_t n = strcspn(p, ",");
    if (fits_one(t, x, p, n))
      return true;
    if (!p[n])
      return false;
    p += n + 1;
  }
}

bool filter_may_match(const struct filter *f, int64_t duration_ns,
                      uint64_t task) {
  const struct filter_thing numbers = {.duration_ns = duration_ns,
                                       .task = task};
  for (size_t i = 0; i < f->n; i++) {
    const struct filter_term *t = &f->terms[i];
    if ((t->key == FILTER_DUR || t->key == FILTER_TASK) &&
        fits(t, &numbers) == t->is_not)
      return false;
  }
  return true;
}

bool filter_match(const struct filter *f, const struct filter_thing *thing) {
  for (size_t i = 0; i < f->n; i++)
    if (fits(&f->terms[i], thing) == f->terms[i].is_not)
      return false;
  return true;
}
