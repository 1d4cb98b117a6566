/* looptrace explain: what a rule means, how it is measured, how to fix it, how
 * to silence it.  Called by main.c. */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "check/rule.h"
#include "cli/option.h"
#include "cli/pager.h"
#include "command.h"
#include "output/open.h"

#define WHO "looptrace explain"

/* The lines of a paragraph; the word RULE becomes the rule's name. */
static void paragraph(const char *title, const char *text, const char *name) {
  printf("\n%s\n", title);
  while (*text) {
    size_t n = strcspn(text, "\n");
    fputs("  ", stdout);
    for (size_t i = 0; i < n; i++)
      if (n - i >= 4 && strncmp(text + i, "RULE", 4) == 0) {
        fputs(name, stdout);
        i += 3;
      } else {
        putchar(text[i]);
      }
    putchar('\n');
    text += n + (text[n] == '\n');
  }
}

static void list(void) {
  size_t n;
  const struct rule *all = rules_all(&n);
  for (size_t i = 0; i < n; i++)
    printf("  %-16s  %s\n", all[i].name, all[i].summary);
  fputs("\nlooptrace explain RULE tells more.\n", stdout);
}

static int explain(const char *name, bool is_first) {
  const struct rule *rule = rule_find(name);
  if (!rule) {
    const struct rule *near = rule_near(name);
    char problem[120];
    snprintf(problem, sizeof problem,
             near ? "there is no rule `%%s`; did you mean `%s`?"
                  : "there is no rule `%%s`; looptrace explain lists them%s",
             near ? near->name : "");
    return open_usage(WHO, problem, name);
  }
  printf("%s%s: %s\n", is_first ? "" : "\n\n", rule->name, rule->summary);
  paragraph("What it means", rule->means, rule->name);
  paragraph("How it is measured", rule->measured, rule->name);
  paragraph("How to fix it", rule->fix, rule->name);
  paragraph("How to silence it", rule->silence, rule->name);
  return EXIT_OK;
}

static int run_explain(int argc, char **argv) {
  option_begin(&cmd_explain, argv);
  int c = option_next(argc, argv), first = optind;
  if (c != OPTION_END)
    return option_exit(c);
  pager_begin();
  if (first == argc)
    list();
  for (int i = first; i < argc; i++) {
    int code = explain(argv[i], i == first);
    if (code != EXIT_OK)
      return code;
  }
  return EXIT_OK;
}

const struct command cmd_explain = {
    .name = "explain",
    .summary = "what a rule means and how to fix it",
    .usage = "[RULE...]",
    .about = "Say what a rule of check means and what can be done.",
    .operands_help = "Without a RULE, all are listed.",
    .more = "A finding names its rule: error[stall].",
    .operands = OFFER_RULES,
    .run = run_explain,
};
