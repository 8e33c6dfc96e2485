#include "readings.h"

#include "names.h"

/* Reads a tuple of ToldRead. Steals the tuple; NULL stands for an exception. */
static int
reads_fill(Reads *reads, PyObject *told)
{
    Py_ssize_t count = told == NULL ? -1 : PyTuple_Size(told);
    if (count >= 0) {
        reads->reads = PyMem_Calloc((size_t)count + 1, sizeof(Read));
    }
    if (count >= 0 && reads->reads == NULL) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t at = 0; reads->reads != NULL && at < count; at++) {
        PyObject *one = PyTuple_GetItem(told, at);
        Read *read = &reads->reads[at];
        reads->count = at + 1;
        read->name = get_attribute(one, "name");
        read->steps = get_attribute(one, "steps");
        read->optional = (int)number_attribute(one, "optional");
        read->spread = (int)number_attribute(one, "spread");
        if (PyErr_Occurred()) {
            break;
        }
    }
    Py_XDECREF(told);
    return PyErr_Occurred() ? -1 : 0;
}

static void
reads_free(Reads *reads)
{
    for (Py_ssize_t at = 0; at < reads->count; at++) {
        Py_XDECREF(reads->reads[at].name);
        Py_XDECREF(reads->reads[at].steps);
    }
    PyMem_Free(reads->reads);
}

Reading *
reading_new(PyObject *told)
{
    Reading *reading = PyMem_Calloc(1, sizeof(Reading));
    if (reading == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    reading->base = next_attribute(told, "base");
    reading->way = (int)number_attribute(told, "way");
    reading->size = next_attribute(told, "size");
    reading->by_name = next_attribute(told, "by_name");
    reading->hidden = next_attribute(told, "hidden");
    if (PyErr_Occurred() || reads_fill(&reading->items, next_attribute(told, "items")) < 0
        || reads_fill(&reading->attributes, next_attribute(told, "attributes")) < 0) {
        reading_free(reading);
        return NULL;
    }
    return reading;
}

void
reading_free(Reading *reading)
{
    if (reading != NULL) {
        reads_free(&reading->items);
        reads_free(&reading->attributes);
        Py_XDECREF(reading->size);
        Py_XDECREF(reading->base);
        Py_XDECREF(reading->by_name);
        Py_XDECREF(reading->hidden);
        PyMem_Free(reading);
    }
}
