/* The line form of check: one JSON object a line, a finding each as in
 * looptrace.check/1, and the verdict last.
 *
 * Invariant: a text holds no newline, so that line breaks between members can
 * be taken out afterwards.  Called by cmd_check.c. */
#include <stdlib.h>
#include <string.h>

#include "output/check_json.h"
#include "output/say.h"

/* Copy a document without its line breaks and what indents its lines. */
static void put_line(FILE *file, const char *text) {
  while (*text) {
    size_t n = strcspn(text, "\n");
    fwrite(text, 1, n, file);
    text += n;
    if (*text)
      text += 1 + strspn(text + 1, " ");
  }
  putc('\n', file);
}

static void put_finding(FILE *file, const struct checked *trace,
                        const struct finding *f) {
  char *text = NULL;
  size_t size;
  FILE *memory = open_memstream(&text, &size);
  if (!memory)
    return;
  struct json json;
  json_init(&json, memory);
  check_json_finding(&json, trace, f);
  if (fclose(memory) == 0)
    put_line(file, text);
  free(text);
}

void check_ndjson(FILE *file, const struct check_result *result) {
  for (size_t i = 0; i < result->n_traces; i++)
    for (size_t k = 0; k < result->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &result->traces[i].judgement.findings[k];
      if (f->state != FINDING_KNOWN || !result->is_new_only)
        put_finding(file, &result->traces[i], f);
    }
  fprintf(file,
          "{\"schema\": \"looptrace.check/1\",\"verdict\": \"%s\","
          "\"exit_code\": %d}\n",
          say_verdict(check_verdict(result)), result->exit_code);
}
