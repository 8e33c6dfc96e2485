#include "layouts.h"

#include "_trace_records.h"
#include "ask.h"
#include "internals.h"
#include "names.h"
#include "readings.h"
#include "state.h"
#include "tables.h"
#include "utf8.h"

#define SWEEP_AFTER 1000 /* types; as in definitions.py */

void
layout_free(Layout *layout)
{
    for (Py_ssize_t at = 0; at < layout->count; at++) {
        Py_XDECREF(layout->members[at].name);
        Py_XDECREF(layout->members[at].owner);
    }
    PyMem_Free(layout->members);
    reading_free(layout->reading);
    Py_XDECREF(layout->alive);
    Py_XDECREF(layout->formatter);
    PyMem_Free(layout);
}

/* Reads the slots or fields. */
static int
members_fill(Layout *layout, PyObject *names, PyObject *owners)
{
    Py_ssize_t count = PyTuple_Size(names);
    if (count < 0) {
        return -1;
    }
    layout->members = PyMem_Calloc((size_t)count + 1, sizeof(Member));
    if (layout->members == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    layout->count = count;
    for (Py_ssize_t at = 0; at < count; at++) {
        layout->members[at].name = Py_NewRef(PyTuple_GetItem(names, at));
        layout->members[at].hash = PyObject_Hash(layout->members[at].name);
        layout->members[at].owner = Py_XNewRef(PyTuple_GetItem(owners, at));
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Reads a ToldLayout of told.py. If this fails, layout_free frees the part that has been read. */
static int
layout_fill(Layout *layout, PyObject *told)
{
    PyObject *names = next_attribute(told, "names");
    PyObject *owners = next_attribute(told, "owners");
    PyObject *reading = next_attribute(told, "reading");
    layout->form = (int)number_attribute(told, "form");
    layout->has_dict = (int)number_attribute(told, "has_dict");
    layout->alive = next_attribute(told, "alive");
    layout->formatter = next_attribute(told, "formatter");
    if (layout->formatter == Py_None) {
        Py_CLEAR(layout->formatter);
    }
    int failed = PyErr_Occurred() != NULL;
    if (!failed && reading != Py_None) {
        layout->reading = reading_new(reading);
        failed = layout->reading == NULL;
    }
    failed = failed || members_fill(layout, names, owners) < 0;
    Py_XDECREF(names);
    Py_XDECREF(owners);
    Py_XDECREF(reading);
    return failed ? -1 : 0;
}

/* Returns whether the layout's type still exists, and is `kind`. */
static int
is_of(const Layout *layout, const void *kind)
{
    return layout->alive == Py_None || referent(layout->alive) == kind;
}

/* Frees the layouts of types that no longer exist. */
static void
sweep(Values *values)
{
    uint32_t left = 0;
    for (size_t at = 0; at < values->layouts.size; at++) {
        Slot *slot = &values->layouts.slots[at];
        if (slot->value != NULL && !is_of(slot->value, slot->key)) {
            layout_free(table_take(&values->layouts, slot->key));
        }
        left += slot->value != NULL;
    }
    values->sweep_at = values->next_type + left + SWEEP_AFTER;
}

static Layout *
layout_new(Engine *engine, PyTypeObject *kind)
{
    Values *values = &engine->values;
    PyObject *type = (PyObject *)kind;
    PyObject *told = ask(engine, values->layout_of, &type, 1);
    if (told == NULL) {
        return NULL;
    }
    Layout *layout = PyMem_Calloc(1, sizeof(Layout));
    if (layout == NULL) {
        Py_DECREF(told);
        PyErr_NoMemory();
        return NULL;
    }
    Utf8 utf8 = {0};
    PyObject *name = layout_fill(layout, told) < 0 ? NULL : next_attribute(told, "name");
    int failed = name == NULL || utf8_take(&utf8, name) < 0
                 || buffer_reserve(&engine->group, utf8.bytes.size + RECORD_ROOM) < 0;
    if (!failed) {
        if (values->next_type >= values->sweep_at) {
            sweep(values);
        }
        Layout *before = table_set(&values->layouts, kind, layout, &failed);
        if (!failed) {
            if (before != NULL) {
                layout_free(before);
            }
            layout->number = values->next_type++;
            put_type(&engine->group, utf8.bytes);
        }
    }
    utf8_end(&utf8);
    Py_XDECREF(name);
    Py_DECREF(told);
    if (failed) {
        layout_free(layout);
        return NULL;
    }
    return layout;
}

Layout *
layout_of(Engine *engine, PyTypeObject *kind)
{
    Layout *layout = table_get(&engine->values.layouts, kind);
    uint32_t version = type_version(kind);
    if (layout != NULL && version != 0 && version == layout->version) {
        return layout;
    }
    /* Types are not kept alive, so another type may have the address of a freed one. */
    if (layout != NULL && is_of(layout, kind)) {
        layout->version = version;
        layout->has_offsets = 0;
        return layout;
    }
    if (engine->values.compares) {
        engine->values.is_told = 0;
        return NULL;
    }
    return layout_new(engine, kind);
}
