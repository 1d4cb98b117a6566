/* Text in XML.
 *
 * Invariant: no text can end its element, its attribute or a CDATA section, and
 * no character is written that XML 1.0 does not allow.  Called by the JUnit
 * form, and the HTML form of report. */
#include "output/xml.h"

#include <stdlib.h>
#include <string.h>

#include "output/inert.h"

void xml_inert(FILE *file, const char *text) {
  for (; *text; text++)
    switch (*text) {
    case '&':
      fputs("&amp;", file);
      break;
    case '<':
      fputs("&lt;", file);
      break;
    case '>':
      fputs("&gt;", file);
      break;
    case '"':
      fputs("&quot;", file);
      break;
    case '\'':
      fputs("&#39;", file);
      break;
    default:
      putc(*text, file);
    }
}

void xml_text(FILE *file, const char *text) {
  if (!text)
    return;
  char small[512];
  size_t size = strlen(text) * 4 + 8;
  char *buf = size <= sizeof small ? small : malloc(size);
  if (!buf) {
    buf = small;
    size = sizeof small;
  }
  xml_inert(file, inert(text, buf, size));
  if (buf != small)
    free(buf);
}

void xml_attribute(FILE *file, const char *name, const char *text) {
  fprintf(file, " %s=\"", name);
  xml_text(file, text);
  putc('"', file);
}
