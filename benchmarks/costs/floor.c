/* A callback of sys.monitoring that does nothing, and one that counts, in C. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030c0000
#include <Python.h>

static unsigned long long counted;

static PyObject *
nothing(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Py_RETURN_NONE;
}

static PyObject *
count(PyObject *self, PyObject *const *args, Py_ssize_t given)
{
    counted++;
    Py_RETURN_NONE;
}

static PyObject *
get_counted(PyObject *self, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(counted);
}

static PyMethodDef methods[] = {
    {"nothing", (PyCFunction)(void (*)(void))nothing, METH_FASTCALL, NULL},
    {"count", (PyCFunction)(void (*)(void))count, METH_FASTCALL, NULL},
    {"counted", get_counted, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "floor_callbacks", NULL, 0, methods};

PyMODINIT_FUNC
PyInit_floor_callbacks(void)
{
    return PyModule_Create(&module);
}
