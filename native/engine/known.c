#include "known.h"

#include "attributes.h"
#include "buffers.h"
#include "calls.h"
#include "internals.h"
#include "items.h"
#include "layouts.h"
#include "readings.h"
#include "secrets.h"
#include "state.h"
#include "tables.h"
#include "values.h"

/* As WAYS in known.py. */
#define BY_READS 1
#define BY_ITERATION 2
#define BY_BUFFER 3
#define BY_BYTES 4

#define LARGEST 1000 /* bytes; as in known.py */

/* ---- steps: each returns a new reference; NULL without an exception if there is nothing */

/* Returns a new reference to the value of an object's dict for a name; NULL without an exception if there is
   none. */
static PyObject *
dict_step(PyObject *value, PyObject *wanted)
{
    PyObject *name;
    PyObject *found;
    Py_ssize_t position = 0;
    while (object_next(value, &position, &name, &found)) {
        if (name == wanted
            || (PyUnicode_CheckExact(name) && PyUnicode_Compare(name, wanted) == 0)) {
            return Py_NewRef(found);
        }
    }
    return NULL;
}

/* Returns a new reference; NULL without an exception if there is nothing. */
static PyObject *
call_step(PyObject *value, PyObject *callable)
{
    PyObject *found = call_one(callable, value);
    if (found == NULL
        && (PyErr_ExceptionMatches(PyExc_AttributeError)
            || PyErr_ExceptionMatches(PyExc_TypeError)
            || PyErr_ExceptionMatches(PyExc_ValueError))) {
        /* There is nothing to read, for example because a file is closed or a cell is empty. */
        PyErr_Clear();
    }
    return found;
}

/* Returns a new reference; NULL if there is nothing, perhaps with an exception. */
static PyObject *
take_step(Engine *engine, PyObject *value, PyObject *step)
{
    if (PyTuple_CheckExact(step) && PyTuple_Size(step) == 1) {
        Layout *layout = layout_of(engine, Py_TYPE(value));
        if (layout == NULL || layout->reading == NULL) {
            return NULL;
        }
        step = PyDict_GetItemWithError(layout->reading->by_name, PyTuple_GetItem(step, 0));
        if (step == NULL) {
            return NULL;
        }
    }
    if (PyLong_CheckExact(step)) {
        Py_ssize_t index = PyLong_AsSsize_t(step);
        return PyTuple_CheckExact(value) && index < PyTuple_Size(value)
                   ? Py_NewRef(PyTuple_GetItem(value, index))
                   : NULL;
    }
    if (PyUnicode_CheckExact(step)) {
        return dict_step(value, step);
    }
    if (PyTuple_CheckExact(step)) {
        return read_slot(PyTuple_GetItem(step, 0), PyTuple_GetItem(step, 1), value);
    }
    return call_step(value, step);
}

/* Returns a new reference to the part to which steps lead; NULL as above. */
static PyObject *
take_steps(Engine *engine, PyObject *object, PyObject *steps)
{
    PyObject *value = Py_NewRef(object);
    Py_ssize_t count = PyTuple_Size(steps);
    for (Py_ssize_t at = 0; value != NULL && at < count; at++) {
        PyObject *next = take_step(engine, value, PyTuple_GetItem(steps, at));
        Py_DECREF(value);
        value = next;
    }
    return value;
}

/* ---- items */

static int
is_nothing(PyObject *value)
{
    if (PyLong_CheckExact(value)) {
        int overflow;
        return PyLong_AsLongLongAndOverflow(value, &overflow) == 0 && !overflow;
    }
    return value == Py_None || value == Py_False
           || (PyTuple_CheckExact(value) && PyTuple_Size(value) == 0);
}

/* Appends the first items of a tuple or list. Returns how many it has, or -1 with an exception. */
static Py_ssize_t
spread(Engine *engine, Buffer *to, PyObject *value, int depth, Py_ssize_t *count)
{
    int is_tuple = PyTuple_CheckExact(value);
    if (!is_tuple && !PyList_CheckExact(value)) {
        return 0;
    }
    Py_ssize_t total = is_tuple ? PyTuple_Size(value) : PyList_Size(value);
    for (Py_ssize_t at = 0; at < total && at < engine->values.items; at++) {
        PyObject *item = is_tuple ? PyTuple_GetItem(value, at) : PyList_GetItem(value, at);
        if (item == NULL) {
            /* Another thread has made it shorter meanwhile. */
            PyErr_Clear();
            break;
        }
        Py_INCREF(item);
        int failed = values_encode(engine, to, item, depth, 0) < 0;
        Py_DECREF(item);
        if (failed) {
            return -1;
        }
        ++*count;
    }
    return total;
}

static int
read_items(Engine *engine, Items *items, PyObject *object, Reading *reading, int depth)
{
    Buffer *to = items->to;
    Py_ssize_t total = 0;
    Py_ssize_t count = 0;
    size_t kept = to->used;
    for (Py_ssize_t at = 0; at < reading->items.count; at++) {
        Read *read = &reading->items.reads[at];
        PyObject *value = take_steps(engine, object, read->steps);
        if (value == NULL) {
            if (PyErr_Occurred()) {
                return -1;
            }
            continue;
        }
        Py_ssize_t more = 1;
        if (read->spread) {
            more = spread(engine, to, value, depth, &count);
        }
        else {
            more = values_encode(engine, to, value, depth, 0) < 0 ? -1 : 1;
            count++;
        }
        int left_out = !read->spread && read->optional && is_nothing(value);
        Py_DECREF(value);
        if (more < 0) {
            return -1;
        }
        total += more;
        if (!left_out) {
            /* Only trailing optional items may be left out, because items are identified by
               position. */
            kept = to->used;
            items->total = total;
            items->count = count;
        }
    }
    to->used = kept;
    return 0;
}

static int
iterated_items(Engine *engine, Items *items, PyObject *object, PyTypeObject *base, int depth)
{
    getiterfunc iterate = (getiterfunc)PyType_GetSlot(base, Py_tp_iter);
    lenfunc length = (lenfunc)PyType_GetSlot(base, Py_sq_length);
    return iterator_items(engine, items, iterate(object), length(object), depth);
}

static int
buffered_items(Engine *engine, Items *items, PyObject *object, int depth)
{
    Py_ssize_t total;
    PyObject *first = buffer_items(object, engine->values.items, &total);
    if (first == NULL) {
        return -1;
    }
    items->total = total;
    items->count = PyTuple_Size(first);
    int failed = 0;
    for (Py_ssize_t at = 0; !failed && at < items->count; at++) {
        failed = values_encode(engine, items->to, PyTuple_GetItem(first, at), depth, 0) < 0;
    }
    Py_DECREF(first);
    return failed ? -1 : 0;
}

static int
buffered_bytes(Engine *engine, Items *items, PyObject *object)
{
    Py_ssize_t total;
    PyObject *bytes = buffer_bytes(object, engine->values.text + LOOKED_AHEAD, &total);
    if (bytes == NULL) {
        return -1;
    }
    int outcome = 0;
    items->total = total;
    if (bytes != Py_None) {
        items->total = items->count = 1;
        outcome = encode_bytes(engine, items->to, PyBytes_AsString(bytes), total);
    }
    Py_DECREF(bytes);
    return outcome;
}

int
known_items(Engine *engine, Items *items, PyObject *object, Reading *reading, int depth)
{
    if (PyTuple_Size(reading->size) > 0) {
        PyObject *size = take_steps(engine, object, reading->size);
        if (size == NULL && PyErr_Occurred()) {
            return -1;
        }
        int overflow = 1;
        int is_large = size == NULL || !PyLong_CheckExact(size)
                       || PyLong_AsLongLongAndOverflow(size, &overflow) > LARGEST || overflow;
        Py_XDECREF(size);
        if (is_large) {
            /* It counts as one item, which is not shown. */
            items->total = 1;
            return 0;
        }
    }
    switch (reading->way) {
    case BY_READS:
        return read_items(engine, items, object, reading, depth);
    case BY_ITERATION:
        return iterated_items(engine, items, object, (PyTypeObject *)reading->base, depth);
    case BY_BUFFER:
        return buffered_items(engine, items, object, depth);
    case BY_BYTES:
    default:
        return buffered_bytes(engine, items, object);
    }
}

/* ---- attributes */

int
known_attributes(Engine *engine, Fields *fields, PyObject *object, Reading *reading)
{
    for (Py_ssize_t at = 0; at < reading->attributes.count; at++) {
        Read *read = &reading->attributes.reads[at];
        PyObject *value = take_steps(engine, object, read->steps);
        if (value == NULL) {
            if (PyErr_Occurred()) {
                return -1;
            }
            continue;
        }
        int failed = !(read->optional && is_nothing(value))
                     && field_add(engine, fields, read->name, value) < 0;
        Py_DECREF(value);
        if (failed) {
            return -1;
        }
    }
    return 0;
}
