#include "effects.h"

#include "constants.h"
#include "internals.h"
#include "names.h"
#include "plans.h"
#include "state.h"
#include "tables.h"

typedef PyObject *(*GetPart)(PyObject *);

static PyTypeObject *function_type;
static PyTypeObject *method_type;
static PyTypeObject *class_method_type;
static PyTypeObject *static_method_type;
static PyObject *mro_of; /* the descriptor type.__mro__ */
static descrgetfunc get_mro;
static GetPart get_dict;
static GetPart get_code;
static GetPart get_function;
static PyObject *name_new;
static PyObject *name_init;
static PyObject *name_get;

static int
table_learn(Table *table, PyObject *known)
{
    PyObject *number;
    PyObject *value;
    Py_ssize_t position = 0;
    int failed = known == NULL;
    while (!failed && PyDict_Next(known, &position, &number, &value)) {
        long effect = PyTuple_Check(value) ? PyLong_AsLong(PyTuple_GetItem(value, 0)) : 0;
        table_set(table, PyLong_AsVoidPtr(number), (void *)(uintptr_t)(effect + 1), &failed);
    }
    if (failed && !PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    return failed || PyErr_Occurred() ? -1 : 0;
}

/* Takes in what Effects of effects.py has learnt. Returns -1 with an exception. */
static int
effects_learn(Engine *engine)
{
    PyObject *effects = get_attribute(engine->plans, "effects");
    PyObject *known = effects == NULL ? NULL : get_attribute(effects, "known");
    PyObject *texts = known == NULL ? NULL : get_attribute(effects, "texts");
    int outcome = texts == NULL ? -1 : 0;
    if (outcome == 0 && PyDict_Size(known) != engine->effects_known) {
        outcome = table_learn(&engine->effects, known) < 0 || table_learn(&engine->texts, texts) < 0
                      ? -1
                      : 0;
        engine->effects_known = outcome == 0 ? PyDict_Size(known) : 0;
    }
    Py_XDECREF(effects);
    Py_XDECREF(known);
    Py_XDECREF(texts);
    engine->effects_for = engine->plans_made;
    return outcome;
}

int
is_unrecorded(Engine *engine, PyObject *code)
{
    const Plan *plan = table_get(&engine->code_plans, code);
    return plan != NULL && !reports_changes(plan);
}

int
gives_text(Engine *engine, PyObject *callable)
{
    if (engine->effects_for != engine->plans_made && effects_learn(engine) < 0) {
        return 0;
    }
    return callable != NULL && table_get(&engine->texts, callable) != NULL;
}

PyObject *
class_entry(PyTypeObject *kind, PyObject *name)
{
    PyObject *mro = get_mro(mro_of, (PyObject *)kind, (PyObject *)Py_TYPE((PyObject *)kind));
    PyObject *found = NULL;
    Py_ssize_t count = mro == NULL || !PyTuple_Check(mro) ? 0 : PyTuple_Size(mro);
    for (Py_ssize_t at = 0; found == NULL && at < count; at++) {
        PyObject *namespace = get_dict(PyTuple_GetItem(mro, at));
        PyObject *entry = namespace == NULL ? NULL : plain_get(namespace, name);
        found = entry == Py_None ? NULL : Py_XNewRef(entry);
        Py_XDECREF(namespace);
    }
    Py_XDECREF(mro);
    PyErr_Clear();
    return found;
}

/* Returns whether a function was generated from a text, as those of dataclasses. */
static int
is_generated(PyObject *function)
{
    PyObject *path = get_attribute(get_code(function), "co_filename");
    int generated = path != NULL && PyUnicode_CompareWithASCIIString(path, "<string>") == 0;
    Py_XDECREF(path);
    return generated;
}

static Effect
class_effect(Engine *engine, PyTypeObject *kind)
{
    PyObject *const names[] = {name_new, name_init};
    for (int at = 0; at < 2; at++) {
        PyObject *found = class_entry(kind, names[at]);
        int changes_nothing =
            found != NULL && ((Py_TYPE(found) == function_type && is_generated(found))
                              || effect_of(engine, found) == NO_EFFECT);
        Py_XDECREF(found);
        if (!changes_nothing) {
            return ON_ANYTHING;
        }
    }
    return NO_EFFECT;
}

Effect
effect_of(Engine *engine, PyObject *callable)
{
    if (callable == NULL) {
        return ON_ANYTHING;
    }
    if (engine->effects_for != engine->plans_made && effects_learn(engine) < 0) {
        return ON_ANYTHING;
    }
    const void *known = table_get(&engine->effects, callable);
    if (known != NULL) {
        return (Effect)((uintptr_t)known - 1);
    }
    PyTypeObject *kind = Py_TYPE(callable);
    if (kind == function_type) {
        return is_unrecorded(engine, get_code(callable)) ? ON_ANYTHING : NO_EFFECT;
    }
    if (kind == method_type) {
        return effect_of(engine, get_function(callable));
    }
    if (kind == class_method_type || kind == static_method_type) {
        PyObject *function = PyObject_GetAttr(callable, name_func);
        Effect effect = effect_of(engine, function);
        Py_XDECREF(function);
        PyErr_Clear();
        return effect;
    }
    return kind == &PyType_Type ? class_effect(engine, (PyTypeObject *)callable) : ON_ANYTHING;
}

int
is_recorded(Engine *engine, PyObject *callable)
{
    if (callable == NULL || Py_TYPE(callable) != function_type) {
        return 0;
    }
    const Plan *plan = table_get(&engine->code_plans, get_code(callable));
    return plan != NULL && reports_changes(plan);
}

int
is_old_attribute(Engine *engine, PyObject *found)
{
    PyTypeObject *kind = Py_TYPE(found);
    if (kind == &PyProperty_Type) {
        PyObject *function = get_attribute(found, "fget");
        int old = effect_of(engine, function) == NO_EFFECT;
        Py_XDECREF(function);
        PyErr_Clear();
        return old;
    }
    PyObject *method = class_entry(kind, name_get);
    Py_XDECREF(method);
    return method == NULL;
}

int
runs_code(PyObject *callable, const void *code)
{
    PyTypeObject *kind = Py_TYPE(callable);
    PyObject *function = NULL;
    if (kind == method_type) {
        function = Py_NewRef(get_function(callable));
    }
    else if (kind == class_method_type || kind == static_method_type) {
        function = PyObject_GetAttr(callable, name_func);
        PyErr_Clear();
    }
    else {
        function = Py_NewRef(callable);
    }
    int same = function != NULL && Py_TYPE(function) == function_type && get_code(function) == code;
    Py_XDECREF(function);
    return same;
}

/* Binds what is in a module. */
static PyTypeObject *
type_in(PyObject *module, const char *name)
{
    return module == NULL ? NULL : (PyTypeObject *)get_attribute(module, name);
}

int
effects_prepare(void)
{
    PyObject *types = PyImport_ImportModule("types");
    PyObject *builtins = PyImport_ImportModule("builtins");
    function_type = type_in(types, "FunctionType");
    method_type = type_in(types, "MethodType");
    class_method_type = type_in(builtins, "classmethod");
    static_method_type = type_in(builtins, "staticmethod");
    name_new = PyUnicode_InternFromString("__new__");
    name_get = PyUnicode_InternFromString("__get__");
    name_init = PyUnicode_InternFromString("__init__");
    get_dict = (GetPart)find_function("PyType_GetDict");
    get_code = (GetPart)find_function("PyFunction_GetCode");
    get_function = (GetPart)find_function("PyMethod_Function");
    PyObject *namespace = get_dict == NULL ? NULL : get_dict((PyObject *)&PyType_Type);
    PyObject *name = PyUnicode_InternFromString("__mro__");
    mro_of = namespace == NULL || name == NULL ? NULL : Py_XNewRef(plain_get(namespace, name));
    get_mro = mro_of == NULL ? NULL : (descrgetfunc)PyType_GetSlot(Py_TYPE(mro_of), Py_tp_descr_get);
    int failed = PyErr_Occurred() || get_code == NULL || get_function == NULL || get_mro == NULL;
    if (failed && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ImportError, "type.__mro__ is no descriptor");
    }
    Py_XDECREF(namespace);
    Py_XDECREF(name);
    Py_XDECREF(types);
    Py_XDECREF(builtins);
    return failed ? -1 : 0;
}
