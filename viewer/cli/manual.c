/* What is told of commands: wrapped to 80 columns for `--help`, or as roff for
 * man.
 *
 * Invariant: every word of both comes from the commands' own tables.  Called by
 * option.c and main.c. */
#include "cli/manual.h"

#include <string.h>

#include "config.h"
#include "tui/term/grid.h"

#define WIDTH 79
#define COLUMN_MAX 28

/* One character in roff, which takes a backslash for its own, makes "-" a
 * hyphen and quotes curly.  Returns: how many bytes of the text that was. */
static size_t roff_char(const char *text, char *buf, size_t size) {
  static const struct {
    char c;
    const char *roff;
  } own[] = {{'\\', "\\e"},  {'-', "\\-"},   {'^', "\\(ha"},
             {'~', "\\(ti"}, {'`', "\\(ga"}, {'\'', "\\(aq"}};
  unsigned char c = (unsigned char)*text;
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (own[i].c == *text) {
      snprintf(buf, size, "%s", own[i].roff);
      return 1;
    }
  if (c < 0x80) {
    snprintf(buf, size, "%c", c);
    return 1;
  }
  unsigned code = c < 0xE0 ? c & 0x1F : c < 0xF0 ? c & 0x0F : c & 0x07;
  size_t n = 1;
  for (; ((unsigned char)text[n] & 0xC0) == 0x80; n++)
    code = code << 6 | (text[n] & 0x3F);
  snprintf(buf, size, "\\[u%04X]", code);
  return n;
}

/* Words, on lines of less than 80 bytes that end where sentences do. */
static void roff_line(FILE *file, const char *text, size_t size) {
  char word[400];
  int at = 0;
  for (size_t i = 0; i < size;) {
    size_t n = 0;
    word[0] = '\0';
    bool is_request = *(text + i) == '.' || text[i] == '\'';
    while (i < size && text[i] != ' ' && n + 12 < sizeof word) {
      i += roff_char(text + i, word + n, sizeof word - n);
      n += strlen(word + n);
    }
    i += i < size && text[i] == ' ';
    if (at && (at + 1 + (int)n > 78)) {
      fputc('\n', file);
      at = 0;
    }
    at += fprintf(file, "%s%s%s", at ? " " : "", !at && is_request ? "\\&" : "",
                  word);
    if (n && word[n - 1] == '.' && i < size) {
      fputc('\n', file);
      at = 0;
    }
  }
  fputc('\n', file);
}

/* A line as it is. */
static void roff_fixed(FILE *file, const char *text, size_t size) {
  char buf[16];
  if (size && (*text == '.' || *text == '\''))
    fputs("\\&", file);
  for (size_t i = 0; i < size;) {
    i += roff_char(text + i, buf, sizeof buf);
    fputs(buf, file);
  }
  fputc('\n', file);
}

/* Words of one line, wrapped; the first stands at `at`, the others at
 * `indent`. */
static void wrap(FILE *file, const char *text, size_t size, int at,
                 int indent) {
  bool is_first = true;
  while (size) {
    size_t n = 0;
    while (n < size && text[n] != ' ')
      n++;
    int width = (int)n;
    for (size_t i = 0; i < n; i++)
      width -= ((unsigned char)text[i] & 0xC0) == 0x80;
    if (width && !is_first && at + 1 + width > WIDTH) {
      fprintf(file, "\n%*s", indent, "");
      at = indent;
      is_first = true;
    }
    if (width) {
      fprintf(file, "%s%.*s", is_first ? "" : " ", (int)n, text);
      at += width + !is_first;
      is_first = false;
    }
    n += n < size;
    text += n;
    size -= n;
  }
  fputc('\n', file);
}

static void help_text(struct manual *m, const char *text, int indent) {
  while (*text) {
    size_t n = strcspn(text, "\n");
    if (text[0] == ' ' && text[1] == ' ')
      fprintf(m->file, "%.*s\n", (int)n, text);
    else if (n == 0)
      fputc('\n', m->file);
    else
      wrap(m->file, text, n, indent, indent);
    text += n + (text[n] == '\n');
  }
}

static void roff_text(struct manual *m, const char *text) {
  bool is_fixed = false;
  for (fputs(".PP\n", m->file); *text;) {
    size_t n = strcspn(text, "\n");
    bool fixes = text[0] == ' ' && text[1] == ' ';
    if (fixes != is_fixed)
      fputs(fixes ? ".nf\n" : ".fi\n", m->file);
    is_fixed = fixes;
    if (n == 0)
      fputs(".PP\n", m->file);
    else if (fixes)
      roff_fixed(m->file, text, n);
    else
      roff_line(m->file, text, n);
    text += n + (text[n] == '\n');
  }
  if (is_fixed)
    fputs(".fi\n", m->file);
}

void manual_heading(struct manual *m, const char *title) {
  if (m->is_roff)
    fputs(".PP\n.B ", m->file);
  else
    fputc('\n', m->file);
  if (m->is_roff)
    roff_fixed(m->file, title, strlen(title));
  else
    fprintf(m->file, "%s\n", title);
}

void manual_text(struct manual *m, const char *text) {
  if (m->is_roff)
    roff_text(m, text);
  else
    help_text(m, text, 0);
}

/* "WORD\tTEXT" under an item.  Returns: its length. */
static size_t sub_item(struct manual *m, const char *text, int width) {
  size_t word = strcspn(text, "\t\n"), size = strcspn(text, "\n");
  const char *rest = text + word + (text[word] == '\t');
  size_t n = size - (size_t)(rest - text);
  if (m->is_roff) {
    fputs(".RS\n.TP\n.B ", m->file);
    roff_fixed(m->file, text, word);
    roff_line(m->file, rest, n);
    fputs(".RE\n", m->file);
    return size;
  }
  int at = m->column + width + 2;
  fprintf(m->file, "%*s%.*s", m->column, "", (int)word, text);
  if ((int)word > width)
    fprintf(m->file, "\n%*s", at, "");
  else
    fprintf(m->file, "%*s", width + 2 - (int)word, "");
  wrap(m->file, rest, n, at, at);
  return size;
}

/* The width of the words of sub-items, but for long ones. */
static int sub_width(const char *text) {
  int width = 0;
  for (const char *p = text; (p = strchr(p, '\t'));) {
    int n = (int)strcspn(p + 1, "\t\n");
    if (n > width && n <= 12)
      width = n;
    p += 1 + n + 1;
  }
  return width;
}

void manual_item(struct manual *m, const char *label, const char *text) {
  int width = sub_width(text);
  if (m->is_roff) {
    fputs(".TP\n.B ", m->file);
    roff_fixed(m->file, label, strlen(label));
  } else {
    int used = text_width(label) + 2;
    fprintf(m->file, "  %s", label);
    if (used + 1 > m->column)
      fprintf(m->file, "\n%*s", m->column, "");
    else
      fprintf(m->file, "%*s", m->column - used, "");
  }
  for (bool is_first = true; *text; is_first = false) {
    size_t n = strcspn(text, "\n");
    if (*text == '\t') {
      n = sub_item(m, ++text, width);
    } else if (m->is_roff) {
      if (!is_first)
        fputs(".br\n", m->file);
      roff_line(m->file, text, n);
    } else {
      fprintf(m->file, "%*s", is_first ? 0 : m->column, "");
      wrap(m->file, text, n, m->column, m->column);
    }
    text += n + (text[n] == '\n');
  }
}

void manual_label(const struct option_row *row, char *buf, size_t size) {
  int n = row->id < 256 ? snprintf(buf, size, "-%c, ", row->id)
                        : snprintf(buf, size, "    ");
  const char *value = row->value ? row->value : "";
  const char *space = !*value || *value == '[' || *value == '=' ? "" : " ";
  snprintf(buf + n, size - (size_t)n, "--%s%s%s", row->name, space, value);
}

static int column_of(const struct command *command) {
  char label[100];
  int column = 14; /* of "  -h, --help" */
  for (const struct option_row *r = command->options; r && r->name; r++) {
    manual_label(r, label, sizeof label);
    int n = r->id ? (int)strlen(label) + 4 : 0;
    if (n > column && n <= COLUMN_MAX)
      column = n;
  }
  return column;
}

static void put_options(struct manual *m, const struct command *command) {
  static const struct option_row help = {'h', "help", NULL, NULL, "this"};
  char label[100];
  if (!m->is_roff && command->options && command->options->id)
    fputc('\n', m->file);
  for (const struct option_row *r = command->options; r && r->name; r++) {
    manual_label(r, label, sizeof label);
    if (r->id)
      manual_item(m, label + strspn(label, m->is_roff ? " " : ""), r->help);
    else
      manual_heading(m, r->name);
  }
  if (m->is_roff)
    return;
  if (!command->options)
    fputc('\n', m->file);
  manual_label(&help, label, sizeof label);
  manual_item(m, label, help.help);
}

static void put_usage(struct manual *m, const struct command *command) {
  const char *text = command->usage, *word = "Usage:";
  if (!m->is_roff)
    fputc('\n', m->file);
  do {
    size_t n = strcspn(text, "\n");
    if (m->is_roff) {
      fprintf(m->file, ".B looptrace %s\n", command->name);
      if (n)
        roff_fixed(m->file, text, n);
      fputs(".br\n", m->file);
    } else {
      fprintf(m->file, "%s looptrace %s%s%.*s\n", word, command->name,
              n ? " " : "", (int)n, text);
    }
    text += n + (text[n] == '\n');
    word = "      ";
  } while (*text);
}

/* A paragraph that begins with a word. */
static void put_named(struct manual *m, const char *name, const char *text) {
  if (!text)
    return;
  if (m->is_roff) {
    fputs(".PP\n", m->file);
    roff_line(m->file, name, strlen(name));
    roff_line(m->file, text, strlen(text));
    return;
  }
  fprintf(m->file, "\n%s ", name);
  wrap(m->file, text, strlen(text), (int)strlen(name) + 1, 0);
}

static void put_examples(struct manual *m, const char *text) {
  bool is_one = text && !strchr(text, '\n');
  if (!text)
    return;
  if (is_one && !m->is_roff) {
    fprintf(m->file, "\nExample: %s\n", text);
    return;
  }
  fputs(m->is_roff ? ".PP\nFor example:\n.nf\n" : "\nExamples\n", m->file);
  while (*text) {
    size_t n = strcspn(text, "\n");
    fputs(m->is_roff ? "" : "  ", m->file);
    if (m->is_roff)
      roff_fixed(m->file, text, n);
    else
      fprintf(m->file, "%.*s\n", (int)n, text);
    text += n + (text[n] == '\n');
  }
  if (m->is_roff)
    fputs(".fi\n", m->file);
}

void manual_command(struct manual *m, const struct command *command) {
  m->column = column_of(command);
  if (m->is_roff) {
    fprintf(m->file, ".SS %s\n", command->name);
    put_usage(m, command);
    manual_text(m, command->about);
  } else {
    manual_text(m, command->about);
    put_usage(m, command);
  }
  if (command->operands_help) {
    if (!m->is_roff)
      fputc('\n', m->file);
    manual_text(m, command->operands_help);
  }
  put_options(m, command);
  if (command->more) {
    if (!m->is_roff)
      fputc('\n', m->file);
    manual_text(m, command->more);
  }
  put_named(m, "Exit status:", command->status);
  put_examples(m, command->examples);
  if (command->chapters)
    command->chapters(m);
}

void manual_help(FILE *file, const struct command *command) {
  struct manual m = {.file = file};
  manual_command(&m, command);
}

static const char page_head[] =
    ".SH NAME\n"
    "looptrace \\- record and inspect what blocks an event loop\n"
    ".SH SYNOPSIS\n"
    ".B looptrace\n"
    ".I COMMAND\n"
    "[\\fIOPTION\\fR...] [\\fIFILE\\fR...]\n"
    ".SH DESCRIPTION\n"
    "looptrace records what an event loop really does, and shows what holds "
    "it up.\n"
    "It runs libuv programs unmodified, writes down each callback, each "
    "blocking\n"
    "call and each turn of the loop into a trace, and says which callback kept "
    "the\n"
    "loop from turning, for how long, and why.\n"
    ".PP\n"
    "Where a command reads one trace and none is named, it is the newest file "
    "in\n"
    "the working directory whose name ends in .lt.\n"
    "Durations have a unit: 250us, 100ms, 1.5s, 2m, 1h.\n";

static const char page_tail[] =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\ndone; of check and diff: within the budget\n"
    ".TP\n.B 1\ncheck: over the budget; diff: something got slower\n"
    ".TP\n.B 2\nwrong usage, or a budget or suppression file is no good\n"
    ".TP\n.B 3\ncannot read: missing, not a trace, newer version, corrupt\n"
    ".TP\n.B 4\nno verdict: the trace is incomplete or lossy, or no loop was "
    "seen\n"
    ".TP\n.B 5\ncheck \\-\\- COMMAND: the command itself failed\n"
    ".TP\n.B 125, 126, 127\nthe recorder failed; the command cannot be run; it "
    "was not found\n"
    ".TP\n.B other\nrecord: the command\\(aqs own status, 128+n on signal n\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B LOOPTRACE_PRELOAD\n"
    "the library that record loads, where it is not where it was installed\n"
    ".TP\n.B LOOPTRACE_PAGER, PAGER\n"
    "shows what is long, on a terminal; default less \\-FIRX; cat or nothing: "
    "none\n"
    ".TP\n.B NO_COLOR\nno colours\n"
    ".TP\n.B GITHUB_ACTIONS, GITHUB_STEP_SUMMARY\n"
    "check writes annotations and a summary there, see doc/check.md\n"
    ".SH FILES\n"
    ".TP\n.B .looptrace\\-suppress\n"
    "what check accepts, read where it is in the working directory\n"
    ".TP\n.B \\(ti/.config/looptrace/config\n"
    "keys and colours of view\n"
    ".SH SEE ALSO\n"
    ".BR looptrace (3),\n"
    ".BR perf (1),\n"
    ".BR strace (1),\n"
    ".BR valgrind (1)\n";

void manual_page(FILE *file, const struct command *const *commands, size_t n) {
  struct manual m = {.file = file, .is_roff = true};
  char label[100];
  fprintf(file, ".TH LOOPTRACE 1 2026-11-28 \"%s\" \"User Commands\"\n",
          PACKAGE_STRING);
  fputs(page_head, file);
  fputs(".SH OPTIONS\nAll commands take these, before or after their name.\n",
        file);
  for (const struct option_row *r = option_common_rows; r->name; r++) {
    manual_label(r, label, sizeof label);
    manual_item(&m, label + strspn(label, " "), r->help);
  }
  fputs(".SH COMMANDS\n", file);
  for (size_t i = 0; i < n; i++)
    manual_command(&m, commands[i]);
  fputs(page_tail, file);
}
