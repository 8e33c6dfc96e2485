/* Values to bytes: what has no identity stands where it is, the rest is a reference; see values.py,
   which says why. */
#include "engine.h"

#include "_trace_format.h"

static int
encode_big(Buffer *to, PyObject *value)
{
    PyObject *bits = PyObject_CallMethod(value, "bit_length", NULL);
    if (bits == NULL) {
        return -1;
    }
    Py_ssize_t size = PyLong_AsSsize_t(bits) / 8 + 1;
    Py_DECREF(bits);
    /* int.from_bytes takes `signed` by keyword only. */
    PyObject *method = PyObject_GetAttrString(value, "to_bytes");
    PyObject *arguments = Py_BuildValue("(ns)", size, "little");
    PyObject *keywords = Py_BuildValue("{sO}", "signed", Py_True);
    PyObject *digits = NULL;
    if (method != NULL && arguments != NULL && keywords != NULL) {
        digits = PyObject_Call(method, arguments, keywords);
    }
    Py_XDECREF(method);
    Py_XDECREF(arguments);
    Py_XDECREF(keywords);
    if (digits == NULL) {
        return -1;
    }
    char *bytes;
    Py_ssize_t count;
    int failed = PyBytes_AsStringAndSize(digits, &bytes, &count) < 0
                 || put_byte(to, VALUE_BIG_INTEGER) < 0 || put_text(to, bytes, (size_t)count) < 0;
    Py_DECREF(digits);
    return failed ? -1 : 0;
}

static inline int
encode_integer(Buffer *to, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) {
        return encode_big(to, value);
    }
    if (VALUE_INTEGER_LOWEST <= number && number <= VALUE_INTEGER_HIGHEST) {
        return put_byte(to, (unsigned int)(VALUE_INTEGER_SHORT + number - VALUE_INTEGER_LOWEST));
    }
    return put_byte(to, VALUE_INTEGER) < 0 ? -1 : put_sint(to, number);
}

int
put_str(Buffer *to, PyObject *text, int may_be_short)
{
    Py_ssize_t length;
    PyObject *encoded = NULL;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &length);
    if (bytes == NULL) {
        PyErr_Clear();
        encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
        if (encoded == NULL || PyBytes_AsStringAndSize(encoded, (char **)&bytes, &length) < 0) {
            Py_XDECREF(encoded);
            return -1;
        }
    }
    int failed;
    if (!may_be_short) {
        failed = put_text(to, bytes, (size_t)length) < 0;
    }
    else if (length <= VALUE_TEXT_HIGHEST) {
        failed = put_byte(to, (unsigned int)(VALUE_TEXT_SHORT + length)) < 0
                 || put_bytes(to, bytes, (size_t)length) < 0;
    }
    else {
        failed = put_byte(to, VALUE_TEXT) < 0 || put_text(to, bytes, (size_t)length) < 0;
    }
    Py_XDECREF(encoded);
    return failed ? -1 : 0;
}

static inline int
encode_text(Engine *engine, Buffer *to, PyObject *value)
{
    Py_ssize_t length = PyUnicode_GetLength(value);
    if (length <= engine->values.text) {
        return put_str(to, value, 1);
    }
    PyObject *first = PyUnicode_Substring(value, 0, engine->values.text);
    if (first == NULL) {
        return -1;
    }
    int failed = put_byte(to, VALUE_CUT_TEXT) < 0 || put_uint(to, (uint64_t)length) < 0
                 || put_str(to, first, 0) < 0;
    Py_DECREF(first);
    return failed ? -1 : 0;
}

static int
put_double(Buffer *to, double number)
{
    /* The machines that CPython runs on are little-endian; hatch_build.py refuses others. */
    return put_bytes(to, &number, 8);
}

static int
encode_bytes(Engine *engine, Buffer *to, PyObject *value)
{
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(value, &bytes, &length) < 0) {
        return -1;
    }
    Py_ssize_t limit = engine->values.text;
    if (length <= limit) {
        return put_byte(to, VALUE_BINARY) < 0 ? -1 : put_text(to, bytes, (size_t)length);
    }
    if (put_byte(to, VALUE_CUT_BINARY) < 0 || put_uint(to, (uint64_t)length) < 0) {
        return -1;
    }
    return put_text(to, bytes, (size_t)limit);
}

static int
encode_range(Engine *engine, Buffer *to, PyObject *value)
{
    static const char *const names[] = {"start", "stop", "step"};
    if (put_byte(to, VALUE_RANGE) < 0) {
        return -1;
    }
    for (int at = 0; at < 3; at++) {
        PyObject *number = PyObject_GetAttrString(value, names[at]);
        if (number == NULL) {
            return -1;
        }
        int failed = values_encode(engine, to, number, 0, 0) < 0;
        Py_DECREF(number);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
encode_tuple(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    Py_ssize_t total = PyTuple_Size(value);
    Py_ssize_t count = total;
    if (count > engine->values.items) {
        count = engine->values.items;
    }
    if (total > 0 && nesting >= engine->values.depth) {
        count = 0;
    }
    if (count == total) {
        if (put_byte(to, VALUE_TUPLE) < 0) {
            return -1;
        }
    }
    else if (put_byte(to, VALUE_CUT_TUPLE) < 0 || put_uint(to, (uint64_t)total) < 0) {
        return -1;
    }
    if (put_uint(to, (uint64_t)count) < 0) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        if (values_encode(engine, to, PyTuple_GetItem(value, at), depth - 1, nesting + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

int
values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyLong_Type) {
        return encode_integer(to, value);
    }
    if (kind == &PyUnicode_Type) {
        return encode_text(engine, to, value);
    }
    if (value == Py_None) {
        return put_byte(to, VALUE_NONE);
    }
    if (kind == &PyBool_Type) {
        return put_byte(to, value == Py_True ? VALUE_TRUE : VALUE_FALSE);
    }
    if (kind == &PyFloat_Type) {
        return put_byte(to, VALUE_FLOAT) < 0 ? -1 : put_double(to, PyFloat_AsDouble(value));
    }
    if (kind == &PyTuple_Type) {
        return encode_tuple(engine, to, value, depth, nesting);
    }
    if (kind == &PyBytes_Type) {
        return encode_bytes(engine, to, value);
    }
    if (kind == &PyComplex_Type) {
        if (put_byte(to, VALUE_COMPLEX) < 0 || put_double(to, PyComplex_RealAsDouble(value)) < 0) {
            return -1;
        }
        return put_double(to, PyComplex_ImagAsDouble(value));
    }
    if (kind == &PyRange_Type) {
        return encode_range(engine, to, value);
    }
    if (value == Py_Ellipsis) {
        return put_byte(to, VALUE_ELLIPSIS);
    }
    if (value == Py_NotImplemented) {
        return put_byte(to, VALUE_NOT_IMPLEMENTED);
    }
    return encode_reference(engine, to, value, depth, nesting);
}
