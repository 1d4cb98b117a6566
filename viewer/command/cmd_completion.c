/* looptrace completion: what a shell reads to complete our command line.
 * Called by main.c. */
#include "config.h"

#include <string.h>

#include "cli/complete.h"
#include "command.h"
#include "output/open.h"

#define WHO "looptrace completion"

static int run_completion(int argc, char **argv) {
  option_begin(&cmd_completion, argv);
  int c = option_next(argc, argv);
  if (c != OPTION_END)
    return option_exit(c);
  if (optind + 1 != argc)
    return open_usage(WHO, "for which shell? bash, zsh or fish%s", "");
  if (!complete_write(stdout, argv[optind]))
    return open_usage(WHO, "`%s` is not bash, zsh or fish", argv[optind]);
  return EXIT_OK;
}

const struct command cmd_completion = {
    .name = "completion",
    .summary = "for bash, zsh and fish",
    .about = "Write what a shell reads to complete commands, options and "
             "traces.",
    .usage = "bash|zsh|fish",
    .more = "Where the shells look for it:\n"
            "  bash  ~/.local/share/bash-completion/completions/looptrace\n"
            "  zsh   _looptrace in a folder of $fpath\n"
            "  fish  ~/.config/fish/completions/looptrace.fish",
    .status = "0; 2 wrong usage.",
    .examples = "source <(looptrace completion bash)",
    .operands = "bash zsh fish",
    .run = run_completion,
};
