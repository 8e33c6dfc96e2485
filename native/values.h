/* Values to bytes: what has no identity stands where it is, the rest is a reference; values.py in
   Python, which says why. */
#ifndef CODETRACER_VALUES_H
#define CODETRACER_VALUES_H

#include <Python.h>

#include "_trace_records.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

#define MAX_NAME 1000 /* as in values.py */
#define NESTED 10     /* likewise */

/* -1 with an exception. */
int values_prepare(void);

/* Appends a value to `to`; what it refers to is queued for write_objects. */
int values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

#define SHORT_TEXT 64 /* characters that are encoded in place */

/* A str in UTF-8, surrogates like any other character: what it is needed for ends before the str. */
typedef struct {
    Bytes bytes;
    PyObject *owner; /* owned, or NULL */
    char place[4 * SHORT_TEXT];
} Utf8;

/* Borrows or copies the text's bytes until utf8_end, which may be called after a failure too. */
int utf8_take(Utf8 *utf8, PyObject *text);
void utf8_end(Utf8 *utf8);

/* Appends a str as a value. */
int put_str(Buffer *to, PyObject *text);

/* Appends what an instance of int, float, complex, str, bytes, bytearray or of a subclass is. */
int encode_plain(Engine *engine, Buffer *to, PyObject *value);

/* Appends bytes, or as many of them as the limit allows; so many and LOOKED_AHEAD must be there. */
int encode_bytes(Engine *engine, Buffer *to, const char *bytes, Py_ssize_t length);

/* Makes what values need, forgets all for another log, and frees it. */
int values_init(Values *values);
void values_forget(Values *values);
void values_clear(Values *values);

/* Lets go of what an event that failed has begun to look at; the next one looks at it again. */
void values_give_up(Values *values);

#pragma GCC visibility pop

#endif
