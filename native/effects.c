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
static PyTypeObject *partial_type;
static PyTypeObject *cache_type;
static PyTypeObject *descriptor_types[2];
static PyObject *type_call;
static PyObject *name_call;
static PyObject *name_partial_func;
static PyObject *name_wrapped;
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

/* Returns a new reference to the tuple of a class's bases, itself first; NULL without one. */
static PyObject *
bases_of(PyTypeObject *kind)
{
    PyObject *mro = get_mro(mro_of, (PyObject *)kind, (PyObject *)Py_TYPE((PyObject *)kind));
    if (mro != NULL && !PyTuple_Check(mro)) {
        Py_CLEAR(mro);
    }
    return mro;
}

/* Returns a new reference to what a class itself has under a name; NULL if that is nothing, or None. */
static PyObject *
own_entry(PyObject *kind, PyObject *name)
{
    PyObject *namespace = get_dict(kind);
    PyObject *entry = namespace == NULL ? NULL : plain_get(namespace, name);
    PyObject *found = entry == Py_None ? NULL : Py_XNewRef(entry);
    Py_XDECREF(namespace);
    return found;
}

PyObject *
class_entry(PyTypeObject *kind, PyObject *name)
{
    PyObject *mro = bases_of(kind);
    PyObject *found = NULL;
    Py_ssize_t count = mro == NULL ? 0 : PyTuple_Size(mro);
    for (Py_ssize_t at = 0; found == NULL && at < count; at++) {
        found = own_entry(PyTuple_GetItem(mro, at), name);
    }
    Py_XDECREF(mro);
    PyErr_Clear();
    return found;
}

static Effect
function_effect(Engine *engine, PyObject *function)
{
    if (!is_unrecorded(engine, get_code(function))) {
        return NO_EFFECT;
    }
    const void *known = table_get(&engine->effects, get_code(function));
    return known == NULL ? ON_ANYTHING : (Effect)((uintptr_t)known - 1);
}

/* Returns what something changes that another callable calls. Anything else than what is known and
   functions might wrap itself. */
static Effect
wrapped_effect(Engine *engine, PyObject *callable)
{
    const void *known = callable == NULL ? NULL : table_get(&engine->effects, callable);
    if (known != NULL) {
        return (Effect)((uintptr_t)known - 1);
    }
    return callable != NULL && Py_TYPE(callable) == function_type ? function_effect(engine, callable)
                                                                  : ON_ANYTHING;
}

/* Returns what the function of a staticmethod or classmethod changes. */
static Effect
static_effect(Engine *engine, PyObject *method)
{
    PyObject *function = PyObject_GetAttr(method, name_func);
    Effect effect = wrapped_effect(engine, function);
    Py_XDECREF(function);
    PyErr_Clear();
    return effect;
}

static Effect
class_effect(Engine *engine, PyTypeObject *kind)
{
    PyObject *call = class_entry(Py_TYPE((PyObject *)kind), name_call);
    if (call != type_call) {
        /* A metaclass has its own. */
        int is_function = call != NULL && Py_TYPE(call) == function_type;
        Effect effect = is_function ? function_effect(engine, call) : ON_ANYTHING;
        Py_XDECREF(call);
        return effect;
    }
    Py_DECREF(call);
    PyObject *const names[] = {name_new, name_init};
    for (int at = 0; at < 2; at++) {
        PyObject *found = class_entry(kind, names[at]);
        int is_function = found != NULL && Py_TYPE(found) == function_type;
        Effect effect = found != NULL && Py_TYPE(found) == static_method_type
                            ? static_effect(engine, found)
                            : wrapped_effect(engine, found);
        /* Others take items from what they are given. */
        int keeps_to_itself = is_function || PyExceptionClass_Check((PyObject *)kind);
        int changes_nothing = effect == NO_EFFECT || (keeps_to_itself && effect == ON_RECEIVER);
        Py_XDECREF(found);
        if (!changes_nothing) {
            return ON_ANYTHING;
        }
    }
    return NO_EFFECT;
}

/* Returns what a function or a class changes. Anything else might call itself. */
static Effect
called_effect(Engine *engine, PyObject *called)
{
    return called != NULL && PyType_Check(called) ? class_effect(engine, (PyTypeObject *)called)
                                                  : wrapped_effect(engine, called);
}

/* Returns what an object changes that is called as a function. */
static Effect
object_effect(Engine *engine, PyObject *object)
{
    PyTypeObject *kind = Py_TYPE(object);
    PyObject *called;
    if (kind == partial_type) {
        called = PyObject_GetAttr(object, name_partial_func);
        PyErr_Clear();
    }
    else {
        called = kind == cache_type ? object_get(object, name_wrapped) : class_entry(kind, name_call);
    }
    const void *known = called == NULL ? NULL : table_get(&engine->effects, called);
    Effect effect = known == NULL ? called_effect(engine, called)
                                  : (uintptr_t)known - 1 == NO_EFFECT ? NO_EFFECT : ON_ANYTHING;
    Py_XDECREF(called);
    return effect;
}

/* Returns the worse of two effects; -1 is none. */
static int
worse(Engine *engine, int worst, PyObject *callable)
{
    int effect = (int)effect_of(engine, callable);
    return effect > worst ? effect : worst;
}

Effect
bound_effect(Engine *engine, PyObject *callable, PyObject **owner)
{
    *owner = NULL;
    if (Py_TYPE(callable) == method_type) {
        *owner = PyObject_GetAttr(callable, name_self);
        PyErr_Clear();
        return called_effect(engine, get_function(callable));
    }
    if (!PyCFunction_Check(callable)) {
        return object_effect(engine, callable);
    }
    PyObject *self = PyObject_GetAttr(callable, name_self);
    PyObject *name = self == NULL ? NULL : PyObject_GetAttr(callable, name_name);
    PyObject *mro = name == NULL ? NULL
                                 : bases_of(PyType_Check(self) ? (PyTypeObject *)self : Py_TYPE(self));
    int worst = -1;
    for (Py_ssize_t at = 0; mro != NULL && at < PyTuple_Size(mro); at++) {
        PyObject *found = own_entry(PyTuple_GetItem(mro, at), name);
        PyTypeObject *kind = found == NULL ? NULL : Py_TYPE(found);
        /* A class of the program may have another method of that name. */
        if (kind != NULL && (kind == descriptor_types[0] || kind == descriptor_types[1])) {
            worst = worse(engine, worst, found);
        }
        Py_XDECREF(found);
    }
    Py_XDECREF(mro);
    Py_XDECREF(name);
    PyErr_Clear();
    if (self == Py_None) {
        Py_CLEAR(self);
    }
    *owner = self;
    return worst < 0 ? ON_ANYTHING : (Effect)worst;
}

Effect
inherited_effect(Engine *engine, PyObject *owner, PyObject *name)
{
    /* The bases of a class have all that `type` has from `object`. */
    PyTypeObject *const kinds[] = {PyType_Check(owner) ? (PyTypeObject *)owner : NULL,
                                   Py_TYPE(owner) == &PyType_Type ? NULL : Py_TYPE(owner)};
    int worst = -1;
    for (int which = 0; which < 2; which++) {
        PyObject *mro = kinds[which] == NULL ? NULL : bases_of(kinds[which]);
        for (Py_ssize_t at = 0; mro != NULL && at < PyTuple_Size(mro); at++) {
            PyObject *found = own_entry(PyTuple_GetItem(mro, at), name);
            worst = found == NULL ? worst : worse(engine, worst, found);
            Py_XDECREF(found);
        }
        Py_XDECREF(mro);
    }
    PyErr_Clear();
    return worst < 0 ? ON_ANYTHING : (Effect)worst;
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
        return function_effect(engine, callable);
    }
    if (kind == class_method_type || kind == static_method_type) {
        /* The object whose method it is is not the first argument. */
        return static_effect(engine, callable) == NO_EFFECT ? NO_EFFECT : ON_ANYTHING;
    }
    if (PyType_Check(callable)) {
        return class_effect(engine, (PyTypeObject *)callable);
    }
    PyObject *owner;
    Effect effect = bound_effect(engine, callable, &owner);
    /* What it changes is not the object whose method it is for the caller. */
    effect = effect == NO_EFFECT || owner == NULL ? effect : ON_ANYTHING;
    Py_XDECREF(owner);
    return effect;
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
    if (kind == &PyGetSetDescr_Type || kind == &PyMemberDescr_Type) {
        return effect_of(engine, found) == NO_EFFECT;
    }
    PyObject *method = class_entry(kind, name_get);
    Py_XDECREF(method);
    return method == NULL;
}

PyObject *
function_in(PyObject *callable)
{
    return Py_TYPE(callable) == method_type ? get_function(callable) : callable;
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
    PyObject *functools = PyImport_ImportModule("_functools");
    partial_type = type_in(functools, "partial");
    cache_type = type_in(functools, "_lru_cache_wrapper");
    Py_XDECREF(functools);
    descriptor_types[0] = type_in(types, "ClassMethodDescriptorType");
    descriptor_types[1] = type_in(types, "MethodDescriptorType");
    name_call = PyUnicode_InternFromString("__call__");
    name_partial_func = PyUnicode_InternFromString("func");
    name_wrapped = PyUnicode_InternFromString("__wrapped__");
    name_new = PyUnicode_InternFromString("__new__");
    name_get = PyUnicode_InternFromString("__get__");
    name_init = PyUnicode_InternFromString("__init__");
    get_dict = (GetPart)find_function("PyType_GetDict");
    get_code = (GetPart)find_function("PyFunction_GetCode");
    get_function = (GetPart)find_function("PyMethod_Function");
    PyObject *namespace = get_dict == NULL ? NULL : get_dict((PyObject *)&PyType_Type);
    PyObject *name = PyUnicode_InternFromString("__mro__");
    mro_of = namespace == NULL || name == NULL ? NULL : Py_XNewRef(plain_get(namespace, name));
    type_call = namespace == NULL ? NULL : Py_XNewRef(plain_get(namespace, name_call));
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
