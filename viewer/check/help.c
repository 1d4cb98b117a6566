/* The options of `looptrace check`, and what they mean. */
#include "check/options.h"
#include "cli/option.h"

const struct option_row check_rows[] = {
    {0, "Budgets", NULL, NULL, NULL},
    {OPT_MAX_STALL, "max-stall", "TIME", NULL,
     "longest time in which a loop may not come to its poll; default 100ms"},
    {OPT_MAX_P99, "max-stall-p99", "TIME", NULL,
     "the same for 99 of 100 turns"},
    {OPT_MAX_UTILIZATION, "max-utilization", "N%", NULL,
     "of its time a loop may be busy"},
    {OPT_MAX_BLOCKING, "max-blocking", "N", NULL,
     "blocking calls on each loop"},
    {OPT_MAX_TIMER_LATE, "max-timer-late", "TIME", NULL,
     "how late a timer may run; without it, a timer that is late where no "
     "stall tells why, and it was not for lack of a CPU or a stop by a "
     "signal, is a warning"},
    {OPT_MAX_POOL_QUEUE, "max-pool-queue", "TIME", NULL,
     "how long a job may wait for a worker of the pool"},
    {OPT_BUDGET, "budget", "FILE", OFFER_FILES,
     "all of these, by loop, in an INI file"},
    {OPT_WARMUP, "warmup", "TIME", NULL,
     "leave out what begins in the first TIME"},
    {OPT_FAIL_ON, "fail-on", "LEVEL", "error warn none",
     "error (default): over a budget; warn: also a stall over half of it; "
     "none: nothing fails"},
    {'W', "warn", "RULE", OFFER_RULES,
     "findings of a rule are warnings at most"},
    {'A', "allow", "RULE", OFFER_RULES,
     "and not at all; rules: looptrace explain"},
    {0, "What is accepted", NULL, NULL, NULL},
    {OPT_SUPPRESSIONS, "suppressions", "FILE", OFFER_FILES,
     "default .looptrace-suppress, where it is there; 'none' for none. As in "
     "valgrind and TSan:\n"
     "RULE : FRAME < CALLER  max=300ms  # reason"},
    {OPT_GEN_SUPPRESSIONS, "gen-suppressions", "=all", "all no",
     "print such lines for what was found"},
    {OPT_STRICT, "strict", NULL, NULL,
     "unused and expired suppressions: exit status 2"},
    {OPT_BASELINE, "baseline", "FILE|TRACE", OFFER_FILES,
     "findings in it are known, and fail nothing; of a trace, those that "
     "check finds in it"},
    {OPT_UPDATE_BASELINE, "update-baseline", NULL, NULL,
     "write FILE anew, with what was found"},
    {OPT_NEW, "new", NULL, NULL, "do not tell what is known"},
    {OPT_ALLOW_INCOMPLETE, "allow-incomplete", NULL, NULL,
     "give a verdict on a trace that was cut or lost events"},
    {0, "Running and telling", NULL, NULL, NULL},
    {OPT_RUNS, "runs", "N", NULL, "run the command N times"},
    {OPT_AGGREGATE, "aggregate", "HOW", "median pessimistic optimistic",
     "judge the median (default), pessimistic (worst) or optimistic (best) "
     "run"},
    {OPT_FORMAT, "format", "FMT[:FILE]",
     "text json ndjson junit sarif github gitlab markdown",
     "text (default), json, ndjson, junit, sarif, github, gitlab (code "
     "quality) "
     "or markdown; to standard output or FILE; repeatable"},
    {OPT_ERROR_EXITCODE, "error-exitcode", "N", NULL,
     "instead of 1, as valgrind's"},
    {'o', "output", "FILE", OFFER_FILES, "with a command: keep its trace here"},
    {OPT_OVERWRITE, "overwrite", NULL, NULL, "replace FILE if it exists"},
    {'v', "verbose", NULL, NULL,
     "text: each finding in full, not the ten worst and a table"},
    {'q', "quiet", NULL, NULL, "only the verdict, and only when it is no pass"},
    {OPT_COLOR, "color", "WHEN", "auto always never",
     "auto (default), always or never"},
    {0}};
