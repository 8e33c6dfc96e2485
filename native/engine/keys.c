#include "keys.h"

#include "constants.h"
#include "effects.h"
#include "internals.h"

#define MOST_ITEMS 256 /* as in keys.py */

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
item_of(const ModuleState *state, PyObject *value, PyObject *key)
{
    PyObject *method = class_entry(state, Py_TYPE(value), state->name_getitem);
    PyObject *found = NULL;
    if (method == state->item_of_dict) {
        found = PyUnicode_CheckExact(key) ? Py_XNewRef(plain_get(value, key))
                                          : item_by_identity(value, key);
    }
    else if (method == state->item_of_str && PyLong_CheckExact(key)) {
        found = Py_NewRef(state->name_empty);
    }
    else if ((method == state->item_of_list || method == state->item_of_tuple)
             && PyLong_CheckExact(key)) {
        int is_list = method == state->item_of_list;
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
keys_prepare(ModuleState *state)
{
    state->item_of_dict = class_entry(state, &PyDict_Type, state->name_getitem);
    state->item_of_list = class_entry(state, &PyList_Type, state->name_getitem);
    state->item_of_str = class_entry(state, &PyUnicode_Type, state->name_getitem);
    state->item_of_tuple = class_entry(state, &PyTuple_Type, state->name_getitem);
    if (state->item_of_dict == NULL || state->item_of_list == NULL || state->item_of_str == NULL
        || state->item_of_tuple == NULL) {
        PyErr_SetString(PyExc_ImportError, "a builtin type has no __getitem__");
        return -1;
    }
    return 0;
}
