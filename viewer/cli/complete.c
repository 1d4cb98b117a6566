/* Completion of the command line, for bash, zsh and fish.
 *
 * Invariant: commands, options and words are those of the tables; a name of a
 * file is never evaluated by the shell.  Called by cmd_completion.c. */
#include "cli/complete.h"

#include <string.h>

#include "check/rule.h"
#include "command.h"

static const struct command *const commands[] = {
#define COMMAND_ROW(name) &cmd_##name,
    COMMAND_MAP(COMMAND_ROW)
#undef COMMAND_ROW
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

/* The first clause of a help text: 60 letters at most, whole words. */
static size_t clause(const char *text) {
  size_t n = 0, end = 0;
  for (; text[n] && text[n] != '\n' && text[n] != ';' && n < 60; n++) {
    if ((text[n] == ':' || text[n] == '.') && text[n + 1] == ' ')
      break;
    if (text[n] == ' ')
      end = n;
  }
  bool is_whole = n < 60 || !text[n];
  n = is_whole ? n : end;
  while (n && strchr(" ,(", text[n - 1]))
    n--;
  return n;
}

/* A text inside '...' of a shell; a backslash goes before those of `more`. */
static void quoted(FILE *file, const char *text, size_t n, const char *more) {
  for (size_t i = 0; i < n; i++) {
    if (text[i] == '\'') {
      fputs("'\\''", file);
      continue;
    }
    if (strchr(more, text[i]))
      fputc('\\', file);
    fputc(text[i], file);
  }
}

static void rules(FILE *file) {
  size_t n;
  const struct rule *all = rules_all(&n);
  for (size_t i = 0; i < n; i++)
    fprintf(file, "%s%s", i ? " " : "", all[i].name);
}

static void command_names(FILE *file) {
  for (size_t i = 0; i < N_COMMANDS; i++)
    fprintf(file, "%s ", commands[i]->name);
  fputs("help", file);
}

static bool is_offer(const char *values, const char *offer) {
  return values && strcmp(values, offer) == 0;
}

/* The words that are offered, where these are words. */
static void words(FILE *file, const char *values) {
  if (is_offer(values, OFFER_RULES))
    rules(file);
  else if (is_offer(values, OFFER_COMMANDS))
    command_names(file);
  else
    fprintf(file, "%.*s",
            (int)(strlen(values) - (values[strlen(values) - 1] == ' ')),
            values);
}

static bool is_files(const char *values) {
  return is_offer(values, OFFER_FILES) || is_offer(values, OFFER_TRACES);
}

/* Does a command have an option of that name itself? */
static bool has_own(const struct command *command, const char *name) {
  for (const struct option_row *r = command->options; r && r->name; r++)
    if (r->id && strcmp(r->name, name) == 0)
      return true;
  return false;
}

typedef void row_writer(FILE *file, const struct command *command,
                        const struct option_row *row);

static void each_row(FILE *file, const struct command *command,
                     row_writer *write) {
  for (const struct option_row *r = command->options; r && r->name; r++)
    if (r->id)
      write(file, command, r);
  for (const struct option_row *r = option_common_rows; r->name; r++)
    if (!has_own(command, r->name))
      write(file, command, r);
}

/* bash */

static const char bash_head[] =
    "# bash completion for looptrace: looptrace completion bash\n"
    "_looptrace_files() {\n"
    "  compopt -o filenames 2>/dev/null\n"
    "  if [[ $1 == traces ]]; then\n"
    "    mapfile -t COMPREPLY < <(compgen -f -X '!*.lt' -- \"$cur\"\n"
    "      compgen -d -- \"$cur\")\n"
    "  else\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "  fi\n"
    "}\n"
    "_looptrace_words() {\n"
    "  mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
    "}\n"
    "_looptrace_program() {\n"
    "  if declare -F _command_offset >/dev/null; then\n"
    "    _command_offset \"$1\"\n"
    "  elif ((COMP_CWORD == $1)); then\n"
    "    mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
    "  else\n"
    "    _looptrace_files\n"
    "  fi\n"
    "}\n"
    "_looptrace() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "  local command='' i j\n"
    "  COMPREPLY=()\n"
    "  if [[ $cur == '=' ]]; then\n"
    "    cur=''\n"
    "  elif [[ $prev == '=' ]]; then\n"
    "    prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "  fi\n"
    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "    case ${COMP_WORDS[i]} in\n"
    "      --color) ((i++)) ;;\n"
    "      -*) ;;\n"
    "      *) command=${COMP_WORDS[i]}; break ;;\n"
    "    esac\n"
    "  done\n"
    "  for ((j = i + 1; j < COMP_CWORD; j++)); do\n"
    "    if [[ ${COMP_WORDS[j]} == -- ]]; then\n"
    "      _looptrace_program $((j + 1))\n"
    "      return\n"
    "    fi\n"
    "  done\n"
    "  case $command:$prev in\n";

static void bash_offer(FILE *file, const char *values) {
  if (is_files(values)) {
    fprintf(file, "_looptrace_files %s", values + 1);
  } else {
    fputs("_looptrace_words '", file);
    if (values)
      words(file, values);
    fputs("'", file);
  }
}

static void bash_value(FILE *file, const struct command *command,
                       const struct option_row *row) {
  if (!row->value)
    return;
  fprintf(file, "    %s:--%s", command->name, row->name);
  if (row->id < 256)
    fprintf(file, "|%s:-%c", command->name, row->id);
  fputs(") ", file);
  bash_offer(file, row->values);
  fputs("; return ;;\n", file);
}

static void bash_name(FILE *file, const struct command *command,
                      const struct option_row *row) {
  (void)command;
  if (row->id < 256)
    fprintf(file, "-%c ", row->id);
  fprintf(file, "--%s ", row->name);
}

static void bash(FILE *file) {
  fputs(bash_head, file);
  static const struct command none = {.name = ""};
  each_row(file, &none, bash_value);
  for (size_t i = 0; i < N_COMMANDS; i++)
    each_row(file, commands[i], bash_value);
  fputs("  esac\n  case $command:$cur in\n    :-*) _looptrace_words '", file);
  each_row(file, &none, bash_name);
  fputs("' ;;\n    :*) _looptrace_words '", file);
  command_names(file);
  fputs("' ;;\n    help:*) _looptrace_words '", file);
  command_names(file);
  fputs("' ;;\n", file);
  for (size_t i = 0; i < N_COMMANDS; i++) {
    fprintf(file, "    %s:-*) _looptrace_words '", commands[i]->name);
    each_row(file, commands[i], bash_name);
    fputs("' ;;\n", file);
    if (commands[i]->operands) {
      fprintf(file, "    %s:*) ", commands[i]->name);
      bash_offer(file, commands[i]->operands);
      fputs(" ;;\n", file);
    }
  }
  fputs("    record:*) _looptrace_program $COMP_CWORD ;;\n"
        "  esac\n}\n"
        "complete -F _looptrace looptrace\n",
        file);
}

/* zsh */

static void zsh_action(FILE *file, const char *values) {
  if (is_offer(values, OFFER_TRACES)) {
    fputs("_files -g \"*.lt\"", file);
  } else if (is_files(values)) {
    fputs("_files", file);
  } else if (values) {
    fputc('(', file);
    words(file, values);
    fputc(')', file);
  }
}

static void zsh_row(FILE *file, const struct command *command,
                    const struct option_row *row) {
  (void)command;
  const char *what = row->help;
  for (int is_long = row->id >= 256; is_long < 2; is_long++) {
    if (is_long)
      fprintf(file, "      '--%s%s[", row->name, row->value ? "=" : "");
    else
      fprintf(file, "      '-%c%s[", row->id, row->value ? "+" : "");
    quoted(file, what, clause(what), "[]:\\");
    fputc(']', file);
    if (row->value) {
      fputc(':', file);
      quoted(file, row->value, strlen(row->value), "[]:\\");
      fputc(':', file);
      zsh_action(file, row->values);
    }
    fputs("' \\\n", file);
  }
}

static void zsh(FILE *file) {
  fputs("#compdef looptrace\n"
        "# zsh completion for looptrace: looptrace completion zsh\n"
        "_looptrace() {\n"
        "  local curcontext=$curcontext state line\n"
        "  local -a commands\n"
        "  commands=(\n",
        file);
  for (size_t i = 0; i < N_COMMANDS; i++) {
    fprintf(file, "    '%s:", commands[i]->name);
    quoted(file, commands[i]->summary, strlen(commands[i]->summary), ":\\");
    fputs("'\n", file);
  }
  fputs("  )\n"
        "  _arguments -C '1:command:->command' '*::word:->word'\n"
        "  case $state in\n"
        "  command) _describe command commands ;;\n"
        "  word)\n"
        "    case $words[1] in\n",
        file);
  for (size_t i = 0; i < N_COMMANDS; i++) {
    fprintf(file, "    %s) _arguments -s \\\n", commands[i]->name);
    each_row(file, commands[i], zsh_row);
    if (commands[i]->runs_command) {
      fputs("      '*::program: _normal' ;;\n", file);
    } else {
      fputs("      '*:word:", file);
      zsh_action(file, commands[i]->operands);
      fputs("' ;;\n", file);
    }
  }
  fputs("    help) _describe command commands ;;\n"
        "    esac ;;\n"
        "  esac\n"
        "}\n"
        "if [[ $funcstack[1] == _looptrace ]]; then\n"
        "  _looptrace \"$@\"\n"
        "else\n"
        "  compdef _looptrace looptrace\n"
        "fi\n",
        file);
}

/* fish */

static void fish_offer(FILE *file, const char *values) {
  if (is_offer(values, OFFER_TRACES)) {
    fputs(" -k -a '(__fish_complete_suffix .lt)'", file);
  } else if (values && !is_files(values)) {
    fputs(" -a '", file);
    words(file, values);
    fputc('\'', file);
  }
}

static void fish_row(FILE *file, const struct command *command,
                     const struct option_row *row) {
  fprintf(file, "complete -c looptrace -n '__fish_seen_subcommand_from %s'",
          command->name);
  if (row->id < 256)
    fprintf(file, " -s %c", row->id);
  fprintf(file, " -l %s", row->name);
  if (row->value) {
    fputs(is_files(row->values) ? " -r -F" : " -x", file);
    fish_offer(file, row->values);
  }
  fputs(" -d '", file);
  quoted(file, row->help, clause(row->help), "\\");
  fputs("'\n", file);
}

static void fish(FILE *file) {
  fputs("# fish completion for looptrace: looptrace completion fish\n"
        "complete -c looptrace -n __fish_use_subcommand -f\n",
        file);
  for (size_t i = 0; i < N_COMMANDS; i++) {
    fprintf(file, "complete -c looptrace -n __fish_use_subcommand -a %s -d '",
            commands[i]->name);
    quoted(file, commands[i]->summary, strlen(commands[i]->summary), "\\");
    fputs("'\n", file);
  }
  for (size_t i = 0; i < N_COMMANDS; i++) {
    each_row(file, commands[i], fish_row);
    if (!commands[i]->operands)
      continue;
    fprintf(file, "complete -c looptrace -n '__fish_seen_subcommand_from %s'%s",
            commands[i]->name, is_files(commands[i]->operands) ? "" : " -f");
    fish_offer(file, commands[i]->operands);
    fputc('\n', file);
  }
}

bool complete_write(FILE *file, const char *shell) {
  if (strcmp(shell, "bash") == 0)
    bash(file);
  else if (strcmp(shell, "zsh") == 0)
    zsh(file);
  else if (strcmp(shell, "fish") == 0)
    fish(file);
  else
    return false;
  return true;
}
