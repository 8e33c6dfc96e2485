#include "keys.h"

#include "effects.h"
#include "internals.h"

#define MOST_ITEMS 256 /* as in keys.py */

static PyObject *name_getitem;
static PyObject *empty;
static PyObject *item_of_dict;
static PyObject *item_of_list;
static PyObject *item_of_str;
static PyObject *item_of_tuple;

/* Returns a new reference to the value of a dict for a key; NULL if there is none, or none that may be
   compared. */
static PyObject *
item_by_identity(PyObject *value, PyObject *key)
{
    PyObject *each;
    PyObject *found;
    Py_ssize_t position = 0;
    if (PyDict_Size(value) > MOST_ITEMS) {
        return NULL;
    }
    int is_int = PyLong_CheckExact(key);
    while (PyDict_Next(value, &position, &each, &found)) {
        if (each == key
            || (is_int && PyLong_CheckExact(each) && PyObject_RichCompareBool(each, key, Py_EQ))) {
            return Py_NewRef(found);
        }
    }
    return NULL;
}

PyObject *
item_of(PyObject *value, PyObject *key)
{
    PyObject *method = class_entry(Py_TYPE(value), name_getitem);
    PyObject *found = NULL;
    if (method == item_of_dict) {
        found = PyUnicode_CheckExact(key) ? Py_XNewRef(plain_get(value, key))
                                          : item_by_identity(value, key);
    }
    else if (method == item_of_str && PyLong_CheckExact(key)) {
        found = Py_NewRef(empty);
    }
    else if ((method == item_of_list || method == item_of_tuple) && PyLong_CheckExact(key)) {
        int is_list = method == item_of_list;
        Py_ssize_t size = is_list ? PyList_Size(value) : PyTuple_Size(value);
        Py_ssize_t at = PyLong_AsSsize_t(key);
        at = at < 0 && !PyErr_Occurred() ? at + size : at;
        PyErr_Clear();
        if (at >= 0 && at < size) {
            found = Py_NewRef(is_list ? PyList_GetItem(value, at) : PyTuple_GetItem(value, at));
        }
    }
    Py_XDECREF(method);
    return found;
}

int
keys_prepare(void)
{
    name_getitem = PyUnicode_InternFromString("__getitem__");
    empty = PyUnicode_InternFromString("");
    if (name_getitem == NULL || empty == NULL) {
        return -1;
    }
    item_of_dict = class_entry(&PyDict_Type, name_getitem);
    item_of_list = class_entry(&PyList_Type, name_getitem);
    item_of_str = class_entry(&PyUnicode_Type, name_getitem);
    item_of_tuple = class_entry(&PyTuple_Type, name_getitem);
    if (item_of_dict == NULL || item_of_list == NULL || item_of_str == NULL || item_of_tuple == NULL) {
        PyErr_SetString(PyExc_ImportError, "a builtin type has no __getitem__");
        return -1;
    }
    return 0;
}
