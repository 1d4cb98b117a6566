/* Text in XML. */
#ifndef LTV_XML_H
#define LTV_XML_H

#include <stdio.h>

/* Write a text of any length, inert and with & < > " ' as entities: good for
 * content and for attributes in either quotes.  NULL writes nothing. */
void xml_text(FILE *file, const char *text);

/* The same of a text that is inert already. */
void xml_inert(FILE *file, const char *text);

/* Write ` name="text"`. */
void xml_attribute(FILE *file, const char *name, const char *text);

#endif
