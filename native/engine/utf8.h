/* Encodes a str in UTF-8, surrogates like any other character, and leaves no copy in the str. */
#ifndef CODETRACER_UTF8_H
#define CODETRACER_UTF8_H

#include <Python.h>

#include "internals.h"
#include "spans.h"

#pragma GCC visibility push(hidden)

#define SHORT_TEXT 64 /* characters that are encoded in place */

/* The UTF-8 of a str, which must outlive it. */
typedef struct {
    Bytes bytes;
    PyObject *owner; /* owned, or NULL */
    char place[4 * SHORT_TEXT];
} Utf8;

/* Copies the bytes of a str of any kind, for utf8_take. */
int utf8_copy(Utf8 *utf8, PyObject *text);

/* Borrows or copies the text's bytes until utf8_end, which may be called after a failure too. */
static inline int
utf8_take(Utf8 *utf8, PyObject *text)
{
    if (!is_ascii(text)) {
        return utf8_copy(utf8, text);
    }
    utf8->owner = NULL;
    utf8->bytes.bytes = PyUnicode_AsUTF8AndSize(text, NULL);
    utf8->bytes.size = (size_t)text_length(text);
    return 0;
}

static inline void
utf8_end(Utf8 *utf8)
{
    Py_CLEAR(utf8->owner);
}

#pragma GCC visibility pop

#endif
