#include "constants.h"

#include <dlfcn.h>

#include "names.h"

PyObject *disable;
PyObject *name_f_globals;
PyObject *name_f_locals;
PyObject *name_f_lasti;
PyObject *name_f_lineno;
PyObject *name_cause;
PyObject *name_func;
PyObject *name_name;
PyObject *name_qualname;
PyObject *name_self;
PyObject *name_asyncio;
PyObject *name_running_loop;
PyObject *name_current_task;
PyObject *name_task;

static const struct {
    PyObject **name;
    const char *text;
} names[] = {
    {&name_f_globals, "f_globals"},
    {&name_f_locals, "f_locals"},
    {&name_f_lasti, "f_lasti"},
    {&name_f_lineno, "f_lineno"},
    {&name_cause, "__cause__"},
    {&name_func, "__func__"},
    {&name_name, "__name__"},
    {&name_qualname, "__qualname__"},
    {&name_self, "__self__"},
    {&name_asyncio, "_asyncio"},
    {&name_running_loop, "_get_running_loop"},
    {&name_current_task, "current_task"},
    {&name_task, "Task"},
};

void *
find_function(const char *function)
{
    void *found = dlsym(RTLD_DEFAULT, function);
    if (found == NULL) {
        PyErr_Format(PyExc_ImportError, "this CPython has no %s", function);
    }
    return found;
}

int
constants_prepare(void)
{
    static int64_t home = -1;
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (home >= 0 && here != home) {
        PyErr_SetString(PyExc_ImportError, "another interpreter of the process has the engine in C");
        return -1;
    }
    home = here;
    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        *names[at].name = PyUnicode_InternFromString(names[at].text);
        if (*names[at].name == NULL) {
            return -1;
        }
    }
    PyObject *monitoring = PySys_GetObject("monitoring");
    disable = monitoring == NULL ? NULL : get_attribute(monitoring, "DISABLE");
    return disable == NULL ? -1 : 0;
}
