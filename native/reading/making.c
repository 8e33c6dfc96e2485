#include "making.h"

#include "fields.h"
#include "names.h"
#include "spans.h"

/* Releases the fields, which are stolen. Returns NULL. */
static PyObject *
give_up(PyObject **fields, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_XDECREF(fields[at]);
    }
    return NULL;
}

/* As tuple.__new__ makes an instance of a subclass, with two tuples less. Steals the fields.
   Returns a new reference, or NULL with an exception. */
static PyObject *
quick_instance(const Making *making, PyTypeObject *type, PyObject **fields, Py_ssize_t count)
{
    PyObject *made = PyType_GenericAlloc(type, count);
    if (made == NULL) {
        return give_up(fields, count);
    }
    if (making->has_hash) {
        *(Py_hash_t *)((PyVarObject *)made + 1) = -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        PyTuple_SetItem(made, at, fields[at]);
    }
    return made;
}

/* Steals the fields. Returns a new reference, or NULL with an exception. */
static PyObject *
slow_instance(const Making *making, PyTypeObject *type, PyObject **fields, Py_ssize_t count)
{
    PyObject *values = PyTuple_New(count);
    if (values == NULL) {
        return give_up(fields, count);
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        PyTuple_SetItem(values, at, fields[at]);
    }
    PyObject *arguments = PyTuple_Pack(1, values);
    PyObject *made = arguments == NULL ? NULL : making->new_tuple(type, arguments, NULL);
    Py_DECREF(values);
    Py_XDECREF(arguments);
    return made;
}

int
making_prepare(Making *making, PyObject *class)
{
    making->new_tuple = (newfunc)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    long head = number_attribute((PyObject *)&PyTuple_Type, "__basicsize__") - (long)sizeof(PyVarObject);
    making->has_hash = head == sizeof(Py_hash_t);
    making->is_known = head == 0 || making->has_hash;
    PyObject *fields[] = {PyLong_FromLong(1), PyLong_FromLong(1)};
    if (PyErr_Occurred() || !making->is_known) {
        give_up(fields, 2);
        return PyErr_Occurred() ? -1 : 0;
    }
    PyObject *quick = quick_instance(making, (PyTypeObject *)class, fields, 1);
    PyObject *slow = slow_instance(making, (PyTypeObject *)class, fields + 1, 1);
    if (quick != NULL && slow != NULL) {
        making->is_known = PyObject_Hash(quick) == PyObject_Hash(slow);
    }
    Py_XDECREF(quick);
    Py_XDECREF(slow);
    return PyErr_Occurred() ? -1 : 0;
}

PyObject *
instance_of(const Making *making, unsigned int maker, PyObject **fields, Py_ssize_t count)
{
    PyTypeObject *type = (PyTypeObject *)making->makers[maker];
    if (fields[count - 1] == NULL) {
        return give_up(fields, count);
    }
    return making->is_known ? quick_instance(making, type, fields, count)
                            : slow_instance(making, type, fields, count);
}

PyObject *
computed_of(const Making *making, unsigned int maker, PyObject **fields, Py_ssize_t count)
{
    PyObject *made = NULL;
    if (fields[count - 1] != NULL) {
        made = PyObject_Vectorcall(making->makers[maker], fields, (size_t)count, NULL);
    }
    give_up(fields, count);
    return made;
}

PyObject *
letters_from(Unread *from, uint64_t size)
{
    const unsigned char *at = from->at;
    from->at += size;
    return PyUnicode_DecodeUTF8((const char *)at, (Py_ssize_t)size, "surrogatepass");
}

PyObject *
text_from(Unread *from)
{
    uint64_t size = 0;
    take_uint(from, &size);
    return letters_from(from, size);
}

PyObject *
bytes_from(Unread *from)
{
    Bytes bytes = {NULL, 0};
    take_bytes(from, &bytes);
    return PyBytes_FromStringAndSize(bytes.bytes, (Py_ssize_t)bytes.size);
}

/* Returns a new reference to a tuple of so many as are counted, or NULL with an exception. */
static PyObject *
several_from(const Making *making, Unread *from, From one)
{
    uint64_t count = 0;
    take_uint(from, &count);
    PyObject *several = PyTuple_New((Py_ssize_t)count);
    for (Py_ssize_t at = 0; several != NULL && at < (Py_ssize_t)count; at++) {
        PyObject *item = one(making, from);
        if (item == NULL) {
            Py_CLEAR(several);
        }
        else {
            PyTuple_SetItem(several, at, item);
        }
    }
    return several;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
one_text(const Making *making, Unread *from)
{
    return text_from(from);
}

PyObject *
texts_from(Unread *from)
{
    return several_from(NULL, from, one_text);
}

PyObject *
values_from(const Making *making, Unread *from, From one)
{
    return several_from(making, from, one);
}

PyObject *
attributes_from(const Making *making, Unread *from, From one)
{
    uint64_t count = 0;
    take_uint(from, &count);
    PyObject *attributes = PyTuple_New((Py_ssize_t)count);
    for (Py_ssize_t at = 0; attributes != NULL && at < (Py_ssize_t)count; at++) {
        PyObject *number = uint_from(from);
        PyObject *value = number == NULL ? NULL : one(making, from);
        PyObject *attribute = value == NULL ? NULL : PyTuple_Pack(2, number, value);
        Py_XDECREF(number);
        Py_XDECREF(value);
        if (attribute == NULL) {
            Py_CLEAR(attributes);
        }
        else {
            PyTuple_SetItem(attributes, at, attribute);
        }
    }
    return attributes;
}
