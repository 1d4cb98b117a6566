/* GitLab's code quality report: one array, shown beside the lines of a merge
 * request.
 *
 * Invariant: each entry has a path and a line, which GitLab wants; where no
 * source is known the path is the trace's.  Called by print.c. */
#include <inttypes.h>

#include "output/check.h"
#include "output/json.h"
#include "output/say.h"

static const char *severity(const struct finding *f) {
  return f->state != FINDING_NEW || f->level == LEVEL_NOTE ? "info"
         : f->level == LEVEL_ERROR                         ? "critical"
                                                           : "minor";
}

static void one(struct json *json, const struct checked *t,
                const struct finding *f) {
  char text[1600], path[4200];
  unsigned line = 1;
  bool has_source = say_source(t->model, f, path, sizeof path, &line);
  json_object(json, NULL);
  json_text(json, "type", "issue");
  json_text(json, "check_name", f->rule);
  json_inert(json, "description", say_headline(t->model, f, text, sizeof text));
  snprintf(text, sizeof text, "%016" PRIx64, f->fingerprint);
  json_text(json, "fingerprint", text);
  json_text(json, "severity", severity(f));
  json_object(json, "location");
  if (has_source)
    json_inert(json, "path", path);
  else
    json_text(json, "path", t->path);
  json_object(json, "lines");
  json_uint(json, "begin", has_source && line ? line : 1);
  json_object_end(json);
  json_object_end(json);
  json_object_end(json);
}

void check_gitlab(FILE *file, const struct check_result *r) {
  struct json json;
  json_init(&json, file);
  json_array(&json, NULL);
  for (size_t i = 0; i < r->n_traces; i++)
    for (size_t k = 0; k < r->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &r->traces[i].judgement.findings[k];
      if (check_is_told(r, f))
        one(&json, &r->traces[i], f);
    }
  json_array_end(&json);
}
