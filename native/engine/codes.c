#include "codes.h"

#include "calls.h"
#include "tables.h"

typedef struct Codes {
    PyObject_HEAD
    Table numbers; /* plus one, because a table has no NULL values */
    struct Codes *next;
} Codes;

static Codes *all;

void
codes_forget(const void *code)
{
    for (Codes *codes = all; codes != NULL; codes = codes->next) {
        table_take(&codes->numbers, code);
    }
}

static PyObject *
codes_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    if (!PyArg_ParseTuple(args, "")) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Codes *codes = (Codes *)allocate(type, 0);
    if (codes != NULL) {
        codes->next = all;
        all = codes;
    }
    return (PyObject *)codes;
}

static void
codes_dealloc(PyObject *self)
{
    Codes *codes = (Codes *)self;
    PyTypeObject *type = Py_TYPE(self);
    Codes **place = &all;
    while (*place != NULL && *place != codes) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = codes->next;
    }
    table_free(&codes->numbers);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyObject *
codes_put(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (check_arguments(count, 2) < 0) {
        return NULL;
    }
    unsigned long number = PyLong_AsUnsignedLong(args[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    int failed;
    table_set(&((Codes *)self)->numbers, args[0], (void *)(uintptr_t)(number + 1), &failed);
    if (failed) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
codes_drop(PyObject *self, PyObject *code)
{
    table_take(&((Codes *)self)->numbers, code);
    Py_RETURN_NONE;
}

static PyObject *
codes_items(PyObject *self, PyObject *unused)
{
    const Table *numbers = &((Codes *)self)->numbers;
    PyObject *items = PyList_New(0);
    for (size_t at = 0; items != NULL && at < numbers->size; at++) {
        const Slot *slot = &numbers->slots[at];
        if (slot->key == NULL || slot->key == TABLE_REMOVED) {
            continue;
        }
        /* Take this reference first, because the next allocation may free this code object or
           another. */
        PyObject *code = Py_NewRef((PyObject *)slot->key);
        unsigned long number = (unsigned long)((uintptr_t)slot->value - 1);
        PyObject *item = Py_BuildValue("(Nk)", code, number);
        if (item == NULL || PyList_Append(items, item) < 0) {
            Py_CLEAR(items);
        }
        Py_XDECREF(item);
    }
    return items;
}

static PyObject *
codes_clear(PyObject *self, PyObject *unused)
{
    table_free(&((Codes *)self)->numbers);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"put", (PyCFunction)(void (*)(void))codes_put, METH_FASTCALL, NULL},
    {"drop", codes_drop, METH_O, NULL},
    {"items", codes_items, METH_NOARGS, NULL},
    {"clear", codes_clear, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, codes_new},
    {Py_tp_dealloc, codes_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "codetracer_bindings._engine.Codes",
    .basicsize = sizeof(Codes),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int
codes_prepare(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Codes", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}
