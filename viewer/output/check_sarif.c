/* The SARIF 2.1.0 form of check, for code scanning.
 *
 * Invariant: a path is an URI reference, relative where it lies in the working
 * directory; each result names a rule of the list; there are at most
 * RESULTS_MAX, the most that is taken there.  Called by cmd_check.c. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check/rule.h"
#include "output/check.h"
#include "output/excerpt.h"
#include "output/inert.h"
#include "output/json.h"
#include "output/say.h"

#define RESULTS_MAX 5000

static void message(struct json *json, const char *key, const char *text) {
  json_object(json, key);
  json_inert(json, "text", text);
  json_object_end(json);
}

static void rules(struct json *json) {
  size_t n;
  const struct rule *all = rules_all(&n);
  json_array(json, "rules");
  for (size_t i = 0; i < n; i++) {
    json_object(json, NULL);
    json_text(json, "id", all[i].name);
    message(json, "shortDescription", all[i].summary);
    json_object(json, "help");
    json_lines(json, "text", all[i].fix);
    json_object_end(json);
    json_object_end(json);
  }
  json_array_end(json);
}

static bool is_plain(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || strchr("-._~/", c);
}

/* A path as an URI reference: every byte that has a meaning there is %HH. */
static void uri(struct json *json, const char *path) {
  char text[4200];
  size_t n = 0;
  const char *head = *path == '/' ? "file://" : "";
  for (; *head; head++)
    text[n++] = *head;
  for (; *path && n + 4 < sizeof text; path++) {
    unsigned char c = (unsigned char)*path;
    if (is_plain(c))
      text[n++] = (char)c;
    else
      n += (size_t)snprintf(text + n, 4, "%%%02X", (unsigned)c);
  }
  text[n] = '\0';
  json_text(json, "uri", text);
}

static void location(struct json *json, const char *key, const struct model *m,
                     uint32_t site, const char *text) {
  const lt_site_def *def = model_site(m, site);
  char name[600];
  json_object(json, key);
  if (def && def->file && *def->file) {
    json_object(json, "physicalLocation");
    json_object(json, "artifactLocation");
    uri(json, excerpt_path(def->file));
    json_object_end(json);
    json_object(json, "region");
    json_uint(json, "startLine", def->line ? def->line : 1);
    json_object_end(json);
    json_object_end(json);
  }
  if (def) {
    json_array(json, "logicalLocations");
    json_object(json, NULL);
    json_inert(json, "name", model_site_short(m, site, name, sizeof name));
    json_text(json, "kind", "function");
    json_object_end(json);
    json_array_end(json);
  }
  if (text)
    message(json, "message", text);
  json_object_end(json);
}

/* The way to the callback, oldest first. */
static void flow(struct json *json, const struct model *m,
                 const struct model_stall *s) {
  char text[200], label[120];
  json_array(json, "codeFlows");
  json_object(json, NULL);
  json_array(json, "threadFlows");
  json_object(json, NULL);
  json_array(json, "locations");
  for (size_t i = s->n_ancestors; i-- > 0;) {
    const struct model_ancestor *a = &s->ancestors[i];
    snprintf(text, sizeof text, "#%" PRIu64 " %s%s%s", a->task,
             lt_task_kind_name(a->kind), a->label ? " " : "",
             inert(a->label, label, sizeof label));
    json_object(json, NULL);
    location(json, "location", m, a->spawn_site ? a->spawn_site : a->site,
             text);
    json_object_end(json);
    if (!a->await_site)
      continue;
    snprintf(text, sizeof text, "#%" PRIu64 " awaits #%" PRIu64, a->awaiter,
             a->task);
    json_object(json, NULL);
    location(json, "location", m, a->await_site, text);
    json_object_end(json);
  }
  json_array_end(json);
  json_object_end(json);
  json_array_end(json);
  json_object_end(json);
  json_array_end(json);
}

static void suppressed(struct json *json, const struct finding *f) {
  json_array(json, "suppressions");
  if (f->state == FINDING_MUTED) {
    json_object(json, NULL);
    json_text(json, "kind", "external");
    json_text(json, "justification", f->why ? f->why : "");
    json_object_end(json);
  }
  json_array_end(json);
}

static void one(struct json *json, const struct checked *t,
                const struct finding *f) {
  const struct model *m = t->model;
  char text[1600];
  json_object(json, NULL);
  json_text(json, "ruleId", f->rule);
  json_text(json, "level", finding_level_name(f->level));
  message(json, "message", say_headline(m, f, text, sizeof text));
  json_array(json, "locations");
  if (f->site)
    location(json, NULL, m, f->site, NULL);
  json_array_end(json);
  json_object(json, "partialFingerprints");
  snprintf(text, sizeof text, "%016" PRIx64, f->fingerprint);
  json_text(json, "looptraceFingerprint/v1", text);
  json_object_end(json);
  json_text(json, "baselineState",
            f->state == FINDING_KNOWN ? "unchanged" : "new");
  suppressed(json, f);
  json_uint(json, "occurrenceCount", f->count);
  if (f->stall && f->stall->n_ancestors)
    flow(json, m, f->stall);
  json_object(json, "properties");
  json_text(json, "trace", t->path);
  json_inert(json, "loop", finding_loop(m, f));
  json_int(json, "start_ns", f->begin_ns);
  json_int(json, "duration_ns", f->duration_ns);
  json_inert(json, "help", say_help(m, f, text, sizeof text));
  json_object_end(json);
  json_object_end(json);
}

/* What kept check from a verdict, as the tool's own message. */
static void invocation(struct json *json, const struct check_result *r) {
  char text[512];
  json_array(json, "invocations");
  json_object(json, NULL);
  json_bool(json, "executionSuccessful",
            check_verdict(r) != VERDICT_INCONCLUSIVE);
  json_int(json, "exitCode", r->exit_code);
  json_array(json, "toolExecutionNotifications");
  for (size_t i = 0; i < r->n_traces; i++) {
    const struct checked *t = &r->traces[i];
    if (!t->model || t->judgement.verdict == VERDICT_INCONCLUSIVE) {
      json_object(json, NULL);
      json_text(json, "level", "error");
      message(json, "message",
              !t->model                ? checked_problem(t, text, sizeof text)
              : t->judgement.n_reasons ? t->judgement.reasons[0]
                                       : "no verdict");
      json_object_end(json);
    }
  }
  json_array_end(json);
  json_object_end(json);
  json_array_end(json);
}

void check_sarif(FILE *file, const struct check_result *r) {
  struct json json;
  size_t n = 0;
  json_init(&json, file);
  json_object(&json, NULL);
  json_text(&json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  json_text(&json, "version", "2.1.0");
  json_array(&json, "runs");
  json_object(&json, NULL);
  json_object(&json, "tool");
  json_object(&json, "driver");
  json_text(&json, "name", "looptrace");
  json_text(&json, "version", PACKAGE_VERSION);
  rules(&json);
  json_object_end(&json);
  json_object_end(&json);
  invocation(&json, r);
  json_text(&json, "columnKind", "unicodeCodePoints");
  json_array(&json, "results");
  for (size_t i = 0; i < r->n_traces; i++)
    for (size_t k = 0; k < r->traces[i].judgement.n_findings; k++) {
      const struct finding *f = &r->traces[i].judgement.findings[k];
      if ((f->state != FINDING_KNOWN || !r->is_new_only) && n++ < RESULTS_MAX)
        one(&json, &r->traces[i], f);
    }
  json_array_end(&json);
  json_object_end(&json);
  json_array_end(&json);
  json_object_end(&json);
}
