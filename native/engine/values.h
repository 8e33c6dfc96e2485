/* Encodes values as bytes. A value without an identity is encoded in place; any other one is a
   reference to an object. values.py is the same in Python, and gives the reasons. */
#ifndef CODETRACER_VALUES_H
#define CODETRACER_VALUES_H

#include <Python.h>

#include "constants.h"
#include "digests.h"
#include "internals.h"
#include "references.h"
#include "state.h"
#include "tables.h"

#pragma GCC visibility push(hidden)

#define MAX_NAME 1000 /* as in values.py */
#define NESTED 10     /* as in values.py */

/* Prepares this unit. Returns -1 with an exception. */
int values_prepare(ModuleState *state);

/* Appends a value to `to`, and queues the objects that it refers to for write_objects. If contents are only
   compared (`values->compares`), appends nothing, and may return -1 without an exception. */
int values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

/* Digests a value amid contents that are only compared, as values_encode does more slowly. Returns -1,
   without an exception, if the digest cannot tell it, or with an exception. */
static inline int
values_compare_nested(Engine *engine, PyObject *value, int depth, int nesting)
{
    Values *values = &engine->values;
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyUnicode_Type) {
        return digest_text(values, value);
    }
    int64_t number;
    if (kind == &PyLong_Type && small_integer(value, &number)) {
        digest_add(values, DIGEST_INTEGER, (uint64_t)number);
        return 0;
    }
    if (value == Py_None) {
        digest_add(values, DIGEST_SINGLE, (uint64_t)(uintptr_t)value);
        return 0;
    }
    if (kind == &PyTuple_Type || kind == &PyFloat_Type || kind == &PyBool_Type) {
        return values_encode(engine, &values->content, value, depth, nesting);
    }
    const Known *known = known_find(values, value);
    if (known->object == value && known->kind == kind && depth > 0) {
        /* As encode_reference does: what an object holds has as many levels for all. */
        if (must_look(values, known, depth, values->levels)
            && queue_object(values, value, known->number, depth, values->room - nesting,
                            values->levels)
                   < 0) {
            return -1;
        }
        digest_add(values, DIGEST_REFERENCE, known->number);
        return 0;
    }
    return values_encode(engine, &values->content, value, depth, nesting);
}

static inline int
values_compare(Engine *engine, PyObject *value, int depth)
{
    return values_compare_nested(engine, value, depth, 0);
}

/* Appends a str as a value. */
int put_str(Buffer *to, PyObject *text);

/* Appends the value of an instance of int, float, complex, str, bytes, bytearray or a subclass. */
int encode_plain(Engine *engine, Buffer *to, PyObject *value);

/* Appends bytes, up to the limit. `bytes` must have all of them, or LOOKED_AHEAD more than the
   limit. */
int encode_bytes(Engine *engine, Buffer *to, const char *bytes, Py_ssize_t length);

/* Make the state of the values, clear it for another log, and free it. */
int values_init(Values *values);
void values_forget(Values *values);
void values_clear(Values *values);

/* In this event, looks no deeper than this, also at objects that have changed. */
void values_look_to(Values *values, int depth);

/* Ends an event. */
void values_end_event(Values *values);

/* Ends an event that failed. The next one looks at all its objects again. */
void values_give_up(Values *values);

#pragma GCC visibility pop

#endif
