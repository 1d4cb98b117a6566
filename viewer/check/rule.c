/* The rules of check, as `explain` tells them and SARIF lists them.
 *
 * Invariant: every rule that a finding can have is here.  Lines are at most 76
 * letters, so that they fit a terminal with two blanks before them.  Called by
 * explain, check and the SARIF form. */
#include "check/rule.h"

#include <string.h>

#include "cli/near.h"

#define SILENCE_PLACE                                                          \
  "in a file, for good reasons only:\n"                                        \
  "  echo 'RULE : FUNCTION < *  max=300ms  # why' >>.looptrace-suppress\n"     \
  "or let it print the lines:  looptrace check --gen-suppressions=all\n"       \
  "in the code:                LT_ALLOW_BLOCKING(\"why\");\n"                  \
  "all of the rule:            looptrace check -A RULE\n"

#define SILENCE_LIMIT                                                          \
  "raise or drop the line in the budget file, for one loop if need be:\n"      \
  "  [budget \"worker*\"]\n"                                                   \
  "or make it a warning:  looptrace check -W RULE\n"                           \
  "or leave it out:       looptrace check -A RULE\n"

static const struct rule rules[] = {
    {.name = "stall",
     .summary = "one callback kept a loop from polling for too long",
     .means =
         "Until the callback came back, the loop could not poll: no other\n"
         "callback ran, no timer fired, nobody was answered.\n"
         "So it is with what a program does between two runs of a loop that\n"
         "was waited for run after run, and is turned again. Else (its start,\n"
         "runs that never wait) such a gap is a warning at most.\n",
     .measured =
         "From the callback's begin to its end, without nested polls. Only "
         "time\n"
         "that the program itself is answerable for counts against the "
         "budget:\n"
         "computing, calls that block, page faults. Time in which the thread "
         "was\n"
         "ready and no CPU was free does not; where what is unknown could\n"
         "decide, the verdict is inconclusive (exit status 4).\n"
         "Over the budget is an error, over half of it a warning.\n",
     .fix =
         "A blocking call: use the asynchronous form that the finding names,\n"
         "or uv_queue_work. Computing: do it in pieces, one a turn, or in the\n"
         "thread pool. Page faults: touch the memory before, or mlock it.\n",
     .silence = SILENCE_PLACE},
    {.name = "long-turn",
     .summary = "many callbacks in one turn kept a loop from polling",
     .means =
         "No callback alone was too long, but one turn of the loop ran so\n"
         "many of them that it came back to its poll too late.\n",
     .measured = "From one poll to the next. A turn is told only where no "
                 "callback in it\n"
                 "breaks the budget by itself.\n",
     .fix =
         "Take less in one turn: bound loops over ready descriptors or queued\n"
         "items, and leave the rest to the next turn (uv_idle_start, or\n"
         "uv_async_send to yourself).\n",
     .silence = SILENCE_PLACE},
    {.name = "never-yields",
     .summary = "a callback still held its loop when the recording ended",
     .means =
         "It ran for a second or more, and had not come back: most likely it\n"
         "loops, waits for what only its own loop could bring, or is stuck in\n"
         "a call. Until it was ended from outside, the program did nothing "
         "else.\n",
     .measured =
         "As a stall, whose end is not in the trace: it took at least so "
         "long.\n"
         "A shorter one that was cut short is told under the rule stall.\n",
     .fix =
         "The stack and the call in the finding say where it is; gdb -p tells\n"
         "more while it is stuck. Never wait in a callback for another one of\n"
         "the same loop.\n",
     .silence = SILENCE_PLACE},
    {.name = "late-timer",
     .summary = "a timer ran too late, and no single stall is to blame",
     .means =
         "What the timer is for, a heartbeat or a timeout, came late. Where a\n"
         "stall made it late, the stall tells so, and this rule does not; "
         "here\n"
         "it were many things one after the other.\n",
     .measured =
         "From the moment for which it was armed (or a period after its last\n"
         "run) to its callback. Only time counts that was neither in the poll\n"
         "nor for lack of a CPU, nor in a stop by a signal. A warning over\n"
         "stall.max; with a budget line timer.late = 20ms an error over that,\n"
         "also behind stalls.\n",
     .fix = "Do less in one turn: see the rule long-turn.\n",
     .silence = SILENCE_LIMIT},
    {.name = "starved-timer",
     .summary = "a timer is late in most of its runs",
     .means =
         "The loop has no time for it: in more than half of at least ten runs\n"
         "it came late by half its interval or more, and by 10 ms or more.\n",
     .measured = "As late-timer; only time that is the program's own counts.\n",
     .fix = "Move work off the loop, or give the timer a loop of its own. An\n"
            "interval that the loop cannot keep may just be too short.\n",
     .silence = SILENCE_LIMIT},
    {.name = "pool-saturated",
     .summary = "jobs waited for a worker of the thread pool, and all had one",
     .means =
         "File operations, name look-ups and uv_queue_work share one pool, of\n"
         "4 threads unless told otherwise. When long jobs fill it, everything\n"
         "else queues behind them: reading a file takes as long as they do.\n",
     .measured =
         "From the request to the worker that takes it, as far as each worker\n"
         "seen had a job in that time. A warning over --max-stall; with a\n"
         "budget line pool.queue = 50ms an error over that.\n",
     .fix = "Set UV_THREADPOOL_SIZE, split long jobs, or give them threads of\n"
            "their own. looptrace report shows how long jobs wait and take.\n",
     .silence = SILENCE_LIMIT},
    {.name = "handle-leak",
     .summary = "handles or tasks of one place that nobody closes",
     .means =
         "They are made and not closed: memory grows, and so does what the\n"
         "loop has to look at. Or more is begun than gets done.\n",
     .measured =
         "Handles are alive from their first start to the callback of their\n"
         "close, requests and tasks until they are done. Told where 100 or\n"
         "more of one kind, function and place are alive at the end, more at\n"
         "each of the last six eighths of the trace, and half as many again "
         "as\n"
         "at half-time; and where three loops or more came to their end, each "
         "in a\n"
         "thread of its own, and left handles of that place that were never\n"
         "closed.\n",
     .fix =
         "uv_close what is no longer needed; bound what is begun at a time.\n"
         "valgrind shows the memory, once the program ends.\n",
     .silence = "in a file, for good reasons only:\n"
                "  handle-leak : CALLBACK < MADE_IN  # why\n"
                "all of the rule:  looptrace check -A handle-leak, or\n"
                "  [levels]\n  handle-leak = off\n"},
    {.name = "never-finished",
     .summary = "tasks still waited when the program ended",
     .means =
         "Somebody began them, and what they waited for never came: a lost\n"
         "wake-up, a reply without a timeout, a task that nobody awaits.\n",
     .measured =
         "Tasks of <looptrace/task.h> or lt_task_spawn() without an end, in a\n"
         "program that exited by itself.\n",
     .fix =
         "Await, cancel or time out what was begun: lt_timeout, lt_cancel.\n",
     .silence = "all of the rule:  looptrace check -A never-finished, or\n"
                "  [levels]\n  never-finished = off\n"},
    {.name = "await-cycle",
     .summary = "tasks wait for each other in a circle",
     .means =
         "Each waits for the next, and the last for the first: none will ever\n"
         "go on. (lt_await notices, and answers LT_EDEADLK.)\n",
     .measured =
         "At each wait that names what it waits for, along the others'.\n",
     .fix =
         "Let one of them go on without the other's result, or split what it\n"
         "gives into two tasks.\n",
     .silence = "all of the rule:  looptrace check -A await-cycle\n"},
    {.name = "blocking-call",
     .summary = "a call that can block was made on a loop's thread",
     .means =
         "Such a call is quick on a good day, and holds up the loop on a bad\n"
         "one: a slow disk, a name server that does not answer, a lock that\n"
         "somebody keeps. A call inside a reported stall is evidence of that\n"
         "stall, and not told again.\n",
     .measured =
         "Hooks around some 130 calls of the C library and libuv, as strace "
         "-T\n"
         "would show them; calls shorter than 50 us are only counted. Judged "
         "by\n"
         "--max-blocking N, or blocking.count in a budget file; without these\n"
         "only calls whose stall could not be measured are told.\n",
     .fix =
         "The finding names what to use instead: mostly the same call with a\n"
         "callback (uv_fs_*, uv_getaddrinfo), a timer, or uv_queue_work.\n",
     .silence = SILENCE_PLACE},
    {.name = "slow-turns",
     .summary = "one turn in a hundred of a loop takes too long",
     .means =
         "The loop is slow as a habit, not by accident: the 99th percentile\n"
         "of its turns is over the budget.\n",
     .measured =
         "The busy time of each turn, in a histogram with steps of 3 %. It is\n"
         "broken only if it still is when all the time in which the thread "
         "had\n"
         "no CPU is taken off where it helps most.\n",
     .fix = "looptrace report shows the sites with the most time.\n",
     .silence = SILENCE_LIMIT},
    {.name = "stall-count",
     .summary = "a loop was blocked for longer than a time too often",
     .means = "A budget line such as `stall.count>50ms = 0` was broken.\n",
     .measured =
         "Each stall counts whose own time is over the one in the line.\n",
     .fix = "See the rule stall.\n",
     .silence = SILENCE_LIMIT},
    {.name = "utilization",
     .summary = "a loop is busy for too much of the time",
     .means =
         "A loop that is always busy has no time left when more comes in:\n"
         "every callback then waits for all that came before it.\n",
     .measured =
         "Time out of the poll, of all time in which the loop was turned.\n"
         "Starved time is not held against it.\n",
     .fix =
         "Move work to the thread pool, or turn a second loop in a thread of\n"
         "its own.\n",
     .silence = SILENCE_LIMIT},
    {.name = "lost-events",
     .summary = "events are missing from the trace",
     .means =
         "The program made events faster than they could be written, or its\n"
         "trace is damaged. What is counted in the gaps is a lower bound, so\n"
         "there is no verdict, or a failure where a budget says so.\n",
     .measured =
         "The recorder counts what it drops, by cause: looptrace info.\n",
     .fix = "Record less (--no-follow), to a faster disk, or with lossless "
            "mode.\n",
     .silence = "lost_events.max = N in a budget file accepts so many;\n"
                "--allow-incomplete gives a verdict in spite of them.\n"},
    {.name = "incomplete-trace",
     .summary = "the trace has no end, or no loop ran in it",
     .means =
         "The recorder was killed, the disk was full, or the file was cut. "
         "What\n"
         "is missing could hold a stall: no verdict (exit status 4), unless a\n"
         "stall is proven by what is there.\n",
     .measured =
         "A whole trace ends with an end mark, and every block has a CRC.\n",
     .fix = "Record again; looptrace info says what is wrong with the file.\n",
     .silence = "--allow-incomplete gives a verdict on what is there.\n"},
};

const struct rule *rules_all(size_t *n) {
  *n = sizeof rules / sizeof *rules;
  return rules;
}

const struct rule *rule_find(const char *name) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (strcmp(rules[i].name, name) == 0)
      return &rules[i];
  return NULL;
}

const struct rule *rule_near(const char *word) {
  size_t least = 4;
  const struct rule *nearest = NULL;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    size_t n = near_edits(word, rules[i].name);
    if (n < least && n < strlen(rules[i].name) - 1) {
      least = n;
      nearest = &rules[i];
    }
  }
  return nearest;
}
