#include "tasks.h"

#include "_trace_records.h"
#include "calls.h"
#include "constants.h"
#include "frames.h"
#include "internals.h"
#include "names.h"
#include "spans.h"
#include "state.h"
#include "utf8.h"
#include "values.h"

static void *hash_by_address;

void
tasks_prepare(void)
{
    hash_by_address = PyType_GetSlot(&PyBaseObject_Type, Py_tp_hash);
}

static int
is_function_of(PyObject *function, PyObject *module)
{
    return function != NULL && PyCFunction_Check(function)
           && PyCFunction_GetSelf(function) == module;
}

/* Returns whether the program has loaded asyncio; -1 with an exception. */
static int
find_asyncio(const ModuleState *state, Tasks *tasks)
{
    PyObject *modules = PySys_GetObject("modules");
    PyObject *module = modules != NULL && PyDict_Check(modules)
                           ? plain_get(modules, state->name_asyncio)
                           : NULL;
    if (module == NULL || !PyModule_CheckExact(module)) {
        return 0;
    }
    PyObject *namespace = PyModule_GetDict(module);
    PyObject *running_loop = plain_get(namespace, state->name_running_loop);
    PyObject *current = plain_get(namespace, state->name_current_task);
    PyObject *type = plain_get(namespace, state->name_task);
    if (!is_function_of(running_loop, module) || !is_function_of(current, module) || type == NULL
        || !PyType_Check(type)) {
        return 0;
    }
    tasks->name = get_attribute(type, "get_name");
    if (tasks->name == NULL) {
        return -1;
    }
    tasks->running_loop = Py_NewRef(running_loop);
    tasks->current = Py_NewRef(current);
    tasks->type = Py_NewRef(type);
    return 1;
}

/* Returns a new reference to the running task; NULL without an exception if there is none with a name. */
static PyObject *
running_task(const Tasks *tasks)
{
    PyObject *loop = PyObject_Vectorcall(tasks->running_loop, NULL, 0, NULL);
    PyObject *task = NULL;
    if (loop != NULL && PyType_GetSlot(Py_TYPE(loop), Py_tp_hash) == hash_by_address
        && loop != Py_None) {
        task = call_one(tasks->current, loop);
    }
    Py_XDECREF(loop);
    if (task != NULL && !PyType_IsSubtype(Py_TYPE(task), (PyTypeObject *)tasks->type)) {
        Py_CLEAR(task);
    }
    return task;
}

/* Returns a new reference to the name of a task, as far as it is written; NULL with an exception. */
static PyObject *
name_of(const Tasks *tasks, PyObject *task)
{
    PyObject *name = call_one(tasks->name, task);
    if (name != NULL && PyUnicode_CheckExact(name) && PyUnicode_GetLength(name) <= MAX_NAME) {
        return name;
    }
    PyObject *start = NULL;
    if (name != NULL) {
        start = PyUnicode_Check(name) ? PyUnicode_Substring(name, 0, MAX_NAME)
                                      : PyUnicode_FromString("");
        Py_DECREF(name);
    }
    return start;
}

static int
write_task(Engine *engine, PyObject *name)
{
    if (name == NULL) {
        return put_task(&engine->group, (Bytes){NULL, 0});
    }
    Utf8 utf8;
    int failed = utf8_take(&utf8, name) < 0 || put_task(&engine->group, utf8.bytes) < 0;
    utf8_end(&utf8);
    return failed ? -1 : 0;
}

int
tell_task(Engine *engine, Thread *thread)
{
    Tasks *tasks = &engine->tasks;
    if (tasks->type == NULL) {
        int found = find_asyncio(engine->state, tasks);
        if (found <= 0) {
            return found;
        }
    }
    PyObject *task = running_task(tasks);
    PyObject *name = task == NULL ? NULL : name_of(tasks, task);
    const void *address = task;
    Py_XDECREF(task);
    if (PyErr_Occurred()) {
        return -1;
    }
    /* Compare the name too, because another task may have the address of a freed one. */
    Py_hash_t hash = name == NULL ? 0 : PyObject_Hash(name);
    int outcome = 0;
    if (thread->task != address || thread->task_name != hash) {
        outcome = write_task(engine, name);
    }
    if (outcome == 0) {
        thread->task = address;
        thread->task_name = hash;
    }
    Py_XDECREF(name);
    return outcome;
}
