#include "effects.h"

#include "constants.h"
#include "internals.h"
#include "names.h"
#include "plans.h"
#include "state.h"
#include "tables.h"

typedef PyObject *(*GetPart)(PyObject *);

static descrgetfunc get_mro;
static GetPart get_dict;
static GetPart get_code;
static GetPart get_function;

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
    PyObject *plain = texts == NULL ? NULL : get_attribute(effects, "plain");
    int outcome = plain == NULL ? -1 : 0;
    if (outcome == 0 && PyDict_Size(known) != engine->effects_known) {
        outcome = table_learn(&engine->effects, known) < 0 || table_learn(&engine->texts, texts) < 0
                          || table_learn(&engine->plain, plain) < 0
                      ? -1
                      : 0;
        engine->effects_known = outcome == 0 ? PyDict_Size(known) : 0;
    }
    Py_XDECREF(effects);
    Py_XDECREF(known);
    Py_XDECREF(texts);
    Py_XDECREF(plain);
    engine->effects_for = engine->plans_made;
    return outcome;
}

int
is_unrecorded(Engine *engine, PyObject *code)
{
    const Plan *plan = table_get(&engine->code_plans, code);
    return plan != NULL && !reports_changes(plan);
}

/* Returns whether a callable, which may be NULL, is in one of the tables. */
static int
is_listed(Engine *engine, const Table *table, PyObject *callable)
{
    if (engine->effects_for != engine->plans_made && effects_learn(engine) < 0) {
        return 0;
    }
    return callable != NULL && table_get(table, callable) != NULL;
}

int
gives_text(Engine *engine, PyObject *callable)
{
    return is_listed(engine, &engine->texts, callable);
}

int
is_plain(Engine *engine, PyObject *callable)
{
    return is_listed(engine, &engine->plain, callable);
}

/* Returns a new reference to the tuple of a class's bases, itself first; NULL without one. */
static PyObject *
bases_of(const ModuleState *state, PyTypeObject *kind)
{
    PyObject *mro =
        get_mro(state->mro_of, (PyObject *)kind, (PyObject *)Py_TYPE((PyObject *)kind));
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
class_entry(const ModuleState *state, PyTypeObject *kind, PyObject *name)
{
    PyObject *mro = bases_of(state, kind);
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
    int is_function = callable != NULL && Py_TYPE(callable) == engine->state->function_type;
    return is_function ? function_effect(engine, callable) : ON_ANYTHING;
}

/* Returns what the function of a staticmethod or classmethod changes. */
static Effect
static_effect(Engine *engine, PyObject *method)
{
    PyObject *function = PyObject_GetAttr(method, engine->state->name_func);
    Effect effect = wrapped_effect(engine, function);
    Py_XDECREF(function);
    PyErr_Clear();
    return effect;
}

static Effect
class_effect(Engine *engine, PyTypeObject *kind)
{
    const ModuleState *state = engine->state;
    PyObject *call = class_entry(state, Py_TYPE((PyObject *)kind), state->name_call);
    if (call != state->type_call) {
        /* A metaclass has its own. */
        int is_function = call != NULL && Py_TYPE(call) == state->function_type;
        Effect effect = is_function ? function_effect(engine, call) : ON_ANYTHING;
        Py_XDECREF(call);
        return effect;
    }
    Py_DECREF(call);
    PyObject *const names[] = {state->name_new, state->name_init};
    for (int at = 0; at < 2; at++) {
        PyObject *found = class_entry(state, kind, names[at]);
        int is_function = found != NULL && Py_TYPE(found) == state->function_type;
        Effect effect = found != NULL && Py_TYPE(found) == state->static_method_type
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
    const ModuleState *state = engine->state;
    PyTypeObject *kind = Py_TYPE(object);
    PyObject *called;
    if (kind == state->partial_type) {
        called = PyObject_GetAttr(object, state->name_partial_func);
        PyErr_Clear();
    }
    else {
        called = kind == state->cache_type ? object_get(object, state->name_wrapped)
                                           : class_entry(state, kind, state->name_call);
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
    const ModuleState *state = engine->state;
    *owner = NULL;
    if (Py_TYPE(callable) == state->method_type) {
        *owner = PyObject_GetAttr(callable, state->name_self);
        PyErr_Clear();
        return called_effect(engine, get_function(callable));
    }
    if (!PyCFunction_Check(callable)) {
        return object_effect(engine, callable);
    }
    PyObject *self = PyObject_GetAttr(callable, state->name_self);
    PyObject *name = self == NULL ? NULL : PyObject_GetAttr(callable, state->name_name);
    PyTypeObject *around =
        self == NULL || PyType_Check(self) ? (PyTypeObject *)self : Py_TYPE(self);
    PyObject *mro = name == NULL ? NULL : bases_of(state, around);
    int worst = -1;
    for (Py_ssize_t at = 0; mro != NULL && at < PyTuple_Size(mro); at++) {
        PyObject *found = own_entry(PyTuple_GetItem(mro, at), name);
        PyTypeObject *kind = found == NULL ? NULL : Py_TYPE(found);
        /* A class of the program may have another method of that name. */
        if (kind != NULL
            && (kind == state->class_method_descriptor_type
                || kind == state->method_descriptor_type)) {
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
        PyObject *mro = kinds[which] == NULL ? NULL : bases_of(engine->state, kinds[which]);
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
    if (kind == engine->state->function_type) {
        return function_effect(engine, callable);
    }
    if (kind == engine->state->class_method_type || kind == engine->state->static_method_type) {
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
    if (callable == NULL || Py_TYPE(callable) != engine->state->function_type) {
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
    PyObject *method = class_entry(engine->state, kind, engine->state->name_get);
    Py_XDECREF(method);
    return method == NULL;
}

PyObject *
function_in(Engine *engine, PyObject *callable)
{
    return Py_TYPE(callable) == engine->state->method_type ? get_function(callable) : callable;
}

int
runs_code(Engine *engine, PyObject *callable, const void *code)
{
    const ModuleState *state = engine->state;
    PyTypeObject *kind = Py_TYPE(callable);
    PyObject *function = NULL;
    if (kind == state->method_type) {
        function = Py_NewRef(get_function(callable));
    }
    else if (kind == state->class_method_type || kind == state->static_method_type) {
        function = PyObject_GetAttr(callable, state->name_func);
        PyErr_Clear();
    }
    else {
        function = Py_NewRef(callable);
    }
    int same =
        function != NULL && Py_TYPE(function) == state->function_type && get_code(function) == code;
    Py_XDECREF(function);
    return same;
}

int
effects_prepare(ModuleState *state)
{
    get_dict = (GetPart)find_function("PyType_GetDict");
    get_code = (GetPart)find_function("PyFunction_GetCode");
    get_function = (GetPart)find_function("PyMethod_Function");
    PyObject *namespace = get_dict == NULL ? NULL : get_dict((PyObject *)&PyType_Type);
    PyObject *name = PyUnicode_InternFromString("__mro__");
    if (namespace != NULL && name != NULL) {
        state->mro_of = Py_XNewRef(plain_get(namespace, name));
        state->type_call = Py_XNewRef(plain_get(namespace, state->name_call));
    }
    get_mro = state->mro_of == NULL
                  ? NULL
                  : (descrgetfunc)PyType_GetSlot(Py_TYPE(state->mro_of), Py_tp_descr_get);
    int failed = PyErr_Occurred() || get_code == NULL || get_function == NULL || get_mro == NULL;
    if (failed && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ImportError, "type.__mro__ is no descriptor");
    }
    Py_XDECREF(namespace);
    Py_XDECREF(name);
    return failed ? -1 : 0;
}
