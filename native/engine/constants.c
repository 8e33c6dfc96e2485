#include "constants.h"

#include <dlfcn.h>

#include "names.h"

void *
find_function(const char *function)
{
    void *found = dlsym(RTLD_DEFAULT, function);
    if (found == NULL) {
        PyErr_Format(PyExc_ImportError, "this CPython has no %s", function);
    }
    return found;
}

/* Returns a new reference to what is in a module, or NULL with an exception. */
static void *
import_from(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *found = module == NULL ? NULL : get_attribute(module, name);
    Py_XDECREF(module);
    return found;
}

int
state_prepare(ModuleState *state)
{
    static int64_t home = -1;
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (home >= 0 && here != home) {
        PyErr_SetString(PyExc_ImportError, "another interpreter of the process has the engine in C");
        return -1;
    }
    home = here;
#define BIND_NAME(member, text) \
    if ((state->member = PyUnicode_InternFromString(text)) == NULL) { \
        return -1; \
    }
#define BIND_IMPORT(type, member, module, attribute) \
    if ((state->member = import_from(module, attribute)) == NULL) { \
        return -1; \
    }
    STATE_NAMES(BIND_NAME)
    STATE_IMPORTS(BIND_IMPORT)
    PyObject *monitoring = PySys_GetObject("monitoring");
    state->disable = monitoring == NULL ? NULL : get_attribute(monitoring, "DISABLE");
    return state->disable == NULL ? -1 : 0;
}

int
state_traverse(const ModuleState *state, visitproc visit, void *arg)
{
#define VISIT_NAME(member, text) Py_VISIT(state->member);
#define VISIT_IMPORT(type, member, module, attribute) Py_VISIT((PyObject *)state->member);
#define VISIT_OTHER(type, member) Py_VISIT((PyObject *)state->member);
    STATE_NAMES(VISIT_NAME)
    STATE_IMPORTS(VISIT_IMPORT)
    STATE_OTHERS(VISIT_OTHER)
    return 0;
}

void
state_clear(ModuleState *state)
{
#define CLEAR_NAME(member, text) Py_CLEAR(state->member);
#define CLEAR_IMPORT(type, member, module, attribute) Py_CLEAR(state->member);
#define CLEAR_OTHER(type, member) Py_CLEAR(state->member);
    STATE_NAMES(CLEAR_NAME)
    STATE_IMPORTS(CLEAR_IMPORT)
    STATE_OTHERS(CLEAR_OTHER)
}
