#include "described.h"

#include "bytecode.h"
#include "lines.h"

static PyObject *described_place(const Place *place);

/* Returns a new reference to a list of what a function makes of each of `count` pieces of memory; NULL with an
   exception. */
static PyObject *
described_all(const void *all, Py_ssize_t count, size_t size, PyObject *(*describe)(const void *))
{
    PyObject *list = PyList_New(0);
    for (Py_ssize_t at = 0; list != NULL && at < count; at++) {
        PyObject *each = describe((const char *)all + (size_t)at * size);
        if (each == NULL || PyList_Append(list, each) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(each);
    }
    return list;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_look(const void *each)
{
    const Look *look = each;
    return Py_BuildValue("(Ii)", look->variable->number, look->reach);
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_step(const void *each)
{
    const Step *step = each;
    if (step->name != NULL) {
        return Py_NewRef(step->name);
    }
    return step->value != NULL
               ? Py_BuildValue("(OO)", (PyObject *)Py_TYPE(step->value), step->value)
               : Py_BuildValue("(N)", described_place(&step->key));
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_place(const Place *place)
{
    if (place->variable == NULL) {
        return Py_NewRef(Py_None);
    }
    return Py_BuildValue("(INiiiNs)", place->variable->number,
                         described_all(place->path, place->length, sizeof(Step), described_step),
                         place->has_items, place->levels, place->is_bound,
                         place->key == NULL ? Py_NewRef(Py_None) : described_step(place->key),
                         place->method == NULL ? "" : PyUnicode_AsUTF8AndSize(place->method, NULL));
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_each_place(const void *each)
{
    return described_place(each);
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_site(const void *each)
{
    const Site *site = each;
    PyObject *constant = site->constant == NULL ? Py_None : (PyObject *)site->constant;
    return Py_BuildValue("(OONiiiiiiii)", site->name, constant, described_place(&site->place),
                         site->before, site->is_method, site->is_super, site->is_late,
                         site->is_rebound, site->varies, site->start, site->is_ambiguous);
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_looks(const Looks *looks)
{
    return described_all(looks->looks, looks->count, sizeof(Look), described_look);
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_places(const Places *places)
{
    return described_all(places->places, places->count, sizeof(Place), described_each_place);
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
described_line(const Line *line)
{
    return Py_BuildValue(
        "{sN sN sN sN sN sN sN sN sN si si si si si si si si si sN}", "named",
        described_looks(&line->named), "bound", described_looks(&line->bound), "globals",
        described_looks(&line->globals), "known", described_places(&line->known), "attributes",
        described_places(&line->attributes), "containers", described_places(&line->containers),
        "targets", described_places(&line->targets), "moves", described_places(&line->moves),
        "sites", described_all(line->sites, line->site_count, sizeof(Site), described_site), "births",
        line->births, "hides", line->hides, "is_bare", line->is_bare, "is_wide", line->is_wide,
        "is_mixed", line->is_mixed, "stores_at", line->stores_at, "stores_item", line->stores_item,
        "loops", line->loops, "again_at", line->again_at, "again",
        line->again == NULL ? Py_NewRef(Py_None) : described_line(line->again));
}

/* Returns a new reference to a dict of lines, or NULL with an exception. */
static PyObject *
described_by_number(const Line *lines, Py_ssize_t count)
{
    PyObject *all = PyDict_New();
    for (Py_ssize_t at = 0; all != NULL && at < count; at++) {
        PyObject *number = PyLong_FromLong(lines[at].number);
        PyObject *line = number == NULL ? NULL : described_line(&lines[at]);
        if (line == NULL || PyDict_SetItem(all, number, line) < 0) {
            Py_CLEAR(all);
        }
        Py_XDECREF(number);
        Py_XDECREF(line);
    }
    return all;
}

PyObject *
described_lines(PyObject *module, PyObject *object)
{
    CodeReading *reading = reading_of(PyModule_GetState(module), object);
    if (reading == NULL) {
        return NULL;
    }
    Py_ssize_t locals = PyList_Size(reading->names);
    Py_ssize_t count = locals + PyList_Size(reading->global_names);
    Variable *variables = PyMem_Calloc((size_t)count + 1, sizeof(Variable));
    Line *lines = PyMem_Calloc((size_t)reading->line_count + 1, sizeof(Line));
    int failed = variables == NULL || lines == NULL;
    if (failed) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t at = 0; !failed && at < count; at++) {
        variables[at].number = (uint32_t)at;
    }
    failed = failed || lines_fill(lines, (Variables){variables, count, locals}, reading) < 0;
    PyObject *all = failed ? NULL : described_by_number(lines, reading->line_count);
    for (Py_ssize_t at = 0; lines != NULL && at < reading->line_count; at++) {
        line_clear(&lines[at]);
    }
    PyMem_Free(lines);
    PyMem_Free(variables);
    return all;
}
