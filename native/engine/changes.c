#include "changes.h"

#include "ask.h"
#include "attributes.h"
#include "constants.h"
#include "effects.h"
#include "frames.h"
#include "internals.h"
#include "keys.h"
#include "layouts.h"
#include "lines.h"
#include "plans.h"
#include "scopes.h"
#include "state.h"

static int
is_atom(PyTypeObject *kind)
{
    return kind == &PyLong_Type || kind == &PyUnicode_Type || kind == &PyFloat_Type
           || kind == &PyBool_Type || kind == &PyBytes_Type || kind == &PyComplex_Type
           || kind == Py_TYPE(Py_None);
}

static int
is_among(PyTypeObject *kind, PyTypeObject *const *kinds)
{
    while (*kinds != NULL && *kinds != kind) {
        kinds++;
    }
    return *kinds != NULL;
}

/* Returns whether an attribute of a class's class comes before those of the class. */
static int
is_data(const ModuleState *state, PyObject *found)
{
    if (found == NULL) {
        return 0;
    }
    PyObject *set = class_entry(state, Py_TYPE(found), state->name_set);
    PyObject *delete = set != NULL ? NULL : class_entry(state, Py_TYPE(found), state->name_delete);
    int outcome = set != NULL || delete != NULL;
    Py_XDECREF(set);
    Py_XDECREF(delete);
    return outcome;
}

/* Returns a new reference to an attribute that is in an object or, as it is, in its class; NULL without
   one. */
static PyObject *
attribute_of(Engine *engine, PyObject *value, PyObject *name)
{
    const ModuleState *state = engine->state;
    if (PyModule_CheckExact(value)) {
        return Py_XNewRef(plain_get(PyModule_GetDict(value), name));
    }
    Layout *layout = layout_of(engine, Py_TYPE(value));
    PyObject *found = layout == NULL ? NULL : layout_attribute(layout, value, name);
    if (layout == NULL || found != NULL || PyErr_Occurred()) {
        return found;
    }
    found = class_entry(state, Py_TYPE(value), name);
    if (PyType_Check(value) && !is_data(state, found)) {
        PyObject *own = class_entry(state, (PyTypeObject *)value, name);
        if (own != NULL) {
            Py_XDECREF(found);
            found = own;
        }
    }
    /* Other descriptors, such as functions and properties, give something else. */
    PyObject *get = found == NULL ? NULL : class_entry(state, Py_TYPE(found), state->name_get);
    if (get != NULL) {
        Py_DECREF(get);
        Py_CLEAR(found);
    }
    return found;
}

static PyObject *value_along(Engine *engine, const Place *place, Scope *scope, int length);

/* Returns a new reference to an item of an object; NULL if there is none. */
static PyObject *
item_at(Engine *engine, PyObject *value, const Step *step, Scope *scope)
{
    PyObject *key = step->value != NULL ? Py_NewRef(step->value)
                                        : value_along(engine, &step->key, scope, step->key.length);
    PyObject *item = key == NULL ? NULL : item_of(engine->state, value, key);
    Py_XDECREF(key);
    return item;
}

/* Returns a new reference to the object at the beginning of a place; NULL if there is none. */
static PyObject *
value_along(Engine *engine, const Place *place, Scope *scope, int length)
{
    PyObject *value = scope_value(engine, scope, place->variable);
    if (value == NULL && place->variable->is_global) {
        value = scope_builtin(engine, scope, place->variable->name);
    }
    for (int at = 0; value != NULL && at < length; at++) {
        const Step *step = &place->path[at];
        PyObject *next = step->name != NULL ? attribute_of(engine, value, step->name)
                                            : item_at(engine, value, step, scope);
        Py_DECREF(value);
        value = next;
    }
    return value;
}

/* Returns a new reference to the object at a place; NULL if there is none. */
static PyObject *
place_value(Engine *engine, const Place *place, Scope *scope)
{
    return value_along(engine, place, scope, place->length);
}

static int
same_name(PyObject *one, PyObject *other)
{
    return one == other || PyUnicode_Compare(one, other) == 0;
}

/* Returns a new reference to what a call calls, as it is in the class if it is a method; or NULL. Gives a
   new reference to the object of whose class it is a method; or NULL. */
static PyObject *
callee_of(Engine *engine, Line *line, const Site *site, Scope *scope, PyObject **owner)
{
    const ModuleState *state = engine->state;
    *owner = NULL;
    if (site->constant != NULL) {
        return class_entry(state, site->constant, site->name);
    }
    if (site->before >= 0) {
        PyObject *before = callee_of(engine, line, &line->sites[site->before], scope, owner);
        Py_CLEAR(*owner);
        PyObject *found =
            gives_text(engine, before) ? class_entry(state, &PyUnicode_Type, site->name) : NULL;
        Py_XDECREF(before);
        return found;
    }
    if (site->place.variable == NULL || site->is_super || (site->is_rebound && !site->is_method)) {
        return NULL;
    }
    PyObject *value = place_value(engine, &site->place, scope);
    if (value == NULL || !site->is_method) {
        return value;
    }
    PyObject *found = attribute_of(engine, value, site->name);
    if (found != NULL || PyModule_CheckExact(value)) {
        Py_DECREF(value);
        return found;
    }
    found = PyType_Check(value) ? class_entry(state, (PyTypeObject *)value, site->name) : NULL;
    if (found == NULL) {
        found = class_entry(state, Py_TYPE(value), site->name);
    }
    *owner = value;
    return found;
}

/* Returns whether what is called may itself have put another function into its place. */
static int
may_have_moved(Engine *engine, const Site *site, Scope *scope)
{
    const Place *place = &site->place;
    if (site->is_method || place->length == 0 || place->path[place->length - 1].name != NULL) {
        return 0;
    }
    PyObject *container = value_along(engine, place, scope, place->length - 1);
    int moved = container != NULL && PyList_Check(container);
    Py_XDECREF(container);
    return moved;
}

/* Returns what a call changes. Gives a new reference to the object whose method it is; or NULL. */
static Effect
site_effect(Engine *engine, Line *line, const Site *site, Scope *scope, PyObject **owner)
{
    *owner = NULL;
    engine->site_grows = 0;
    if (site->is_super && site->place.variable != NULL) {
        *owner = place_value(engine, &site->place, scope);
        return *owner == NULL ? ON_ANYTHING : inherited_effect(engine, *owner, site->name);
    }
    if (site->place.variable != NULL && may_have_moved(engine, site, scope)) {
        return ON_ANYTHING;
    }
    PyObject *callee = callee_of(engine, line, site, scope, owner);
    engine->site_grows = callee != NULL
                         && (callee == engine->state->list_append
                             || callee == engine->state->list_extend);
    Effect effect = effect_of(engine, callee);
    if (effect == ON_ANYTHING && callee != NULL) {
        PyObject *bound;
        if (bound_effect(engine, callee, &bound) == ON_RECEIVER && bound != NULL) {
            Py_XDECREF(*owner);
            *owner = bound;
            Py_DECREF(callee);
            return ON_RECEIVER;
        }
        Py_XDECREF(bound);
    }
    Py_XDECREF(callee);
    if (effect == ON_RECEIVER && *owner != NULL && PyType_Check(*owner)) {
        /* It is called as a function: the object is the first argument. */
        Py_CLEAR(*owner);
        return ON_ARGUMENTS;
    }
    return effect;
}

void
found_clear(Engine *engine)
{
    while (engine->found_used > 0) {
        Py_DECREF(engine->found[--engine->found_used].object);
    }
}

/* Adds an object that may have changed; steals the reference. Without memory, everything is looked at when
   the next line has run. */
static void
found_add(Engine *engine, PyObject *object, int levels, int grows)
{
    if (engine->found_used == engine->found_size) {
        size_t size = engine->found_size ? engine->found_size * 2 : 16;
        Found *found = PyMem_Realloc(engine->found, size * sizeof(Found));
        if (found == NULL) {
            Py_DECREF(object);
            engine->is_behind = 1;
            return;
        }
        engine->found = found;
        engine->found_size = size;
    }
    engine->found[engine->found_used++] = (Found){object, levels, grows};
}

/* Returns whether storing into an object by a special method changes only that object. */
static int
stores_itself(Engine *engine, PyObject *value, PyObject *method)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (PyModule_CheckExact(value)) {
        return 0;
    }
    if (is_among(kind, engine->containers)) {
        return 1;
    }
    PyObject *found = class_entry(engine->state, kind, method);
    Effect effect = found == NULL ? NO_EFFECT : effect_of(engine, found);
    Py_XDECREF(found);
    return effect == NO_EFFECT || effect == ON_RECEIVER;
}

/* Returns whether iterating over an instance runs only recorded code. */
static int
iterates_itself(Engine *engine, PyTypeObject *kind)
{
    const ModuleState *state = engine->state;
    PyObject *const methods[] = {state->name_iter, state->name_next, state->name_contains};
    for (int at = 0; at < 3; at++) {
        PyObject *found = class_entry(state, kind, methods[at]);
        Effect effect = found == NULL ? NO_EFFECT : effect_of(engine, found);
        Py_XDECREF(found);
        if (effect != NO_EFFECT) {
            return 0;
        }
    }
    return 1;
}

/* Returns whether an object may change when an item is taken from it, as a defaultdict. */
static int
gets_items(Engine *engine, PyTypeObject *kind)
{
    if (is_atom(kind) || is_among(kind, engine->containers)) {
        return 0;
    }
    PyObject *found = class_entry(engine->state, kind, engine->state->name_getitem);
    int gets = found == NULL || effect_of(engine, found) != NO_EFFECT;
    Py_XDECREF(found);
    return gets;
}

/* Returns whether no code runs in methods of an object in C that is not recorded. */
static int
runs_recorded(Engine *engine, PyObject *object)
{
    if (Py_TYPE(object) != engine->state->generator_type) {
        return 1;
    }
    PyObject *code = PyObject_GetAttr(object, engine->state->name_gi_code);
    int recorded = code != NULL && !is_unrecorded(engine, code);
    Py_XDECREF(code);
    return recorded;
}

/* Returns whether only one call of a line can have put another item where its object was. */
static int
acts_alone(Engine *engine, uint32_t matched, Line *line, Py_ssize_t index, Scope *scope)
{
    int alone = line->targets.count == 0 && !line->is_wide && !line->loops;
    for (Py_ssize_t at = 0; alone && at < line->site_count; at++) {
        if (at == index) {
            continue;
        }
        PyObject *owner = NULL;
        alone = !(at < MOST_SITES && (matched >> at & 1))
                && site_effect(engine, line, &line->sites[at], scope, &owner) == NO_EFFECT;
        Py_XDECREF(owner);
    }
    return alone;
}

/* Puts the objects into engine->found of which the way to a place takes items. */
static void
find_containers(Engine *engine, const Place *place, Scope *scope)
{
    for (int at = 0; at < place->length; at++) {
        const Step *step = &place->path[at];
        if (step->name != NULL) {
            continue;
        }
        PyObject *container = value_along(engine, place, scope, at);
        if (container != NULL && gets_items(engine, Py_TYPE(container))) {
            found_add(engine, container, 1, 0);
        }
        else {
            Py_XDECREF(container);
        }
        if (step->value == NULL) {
            find_containers(engine, &step->key, scope);
        }
    }
}

/* Puts the object that a call changes into engine->found; returns what else it changes. Steals the
   reference to the object, which may be NULL. */
static Effect
settled(Engine *engine, uint32_t matched, Line *line, Py_ssize_t index, Scope *scope, Effect effect,
        PyObject *owner)
{
    const Site *site = &line->sites[index];
    int grows = engine->site_grows && owner != NULL && PyList_CheckExact(owner)
                && site->place.variable != NULL && !site->place.is_bound;
    if (site->place.has_items && effect != ON_ANYTHING) {
        if (site->is_rebound || !acts_alone(engine, matched, line, index, scope)) {
            Py_XDECREF(owner);
            return ON_ANYTHING;
        }
        find_containers(engine, &site->place, scope);
    }
    if (effect == ON_RECEIVER) {
        if (owner != NULL && !site->is_rebound && runs_recorded(engine, owner)) {
            found_add(engine, owner, 1, grows);
            return NO_EFFECT;
        }
        effect = ON_ANYTHING;
    }
    Py_XDECREF(owner);
    return effect;
}

/* Returns what the calls of a line have changed of which nothing was recorded. */
static Effect
after_calls(Engine *engine, uint32_t *matched, Line *line, Scope *scope)
{
    Effect worst = line->is_wide ? ON_ARGUMENTS : NO_EFFECT;
    for (Py_ssize_t at = 0; at < line->site_count; at++) {
        Site *site = &line->sites[at];
        Effect effect;
        if (at < MOST_SITES && (*matched >> at & 1)) {
            effect = site->varies ? ON_ANYTHING : NO_EFFECT;
        }
        else {
            PyObject *owner;
            effect = site_effect(engine, line, site, scope, &owner);
            effect = settled(engine, *matched, line, at, scope, effect, owner);
        }
        worst = effect > worst ? effect : worst;
        if (worst == ON_ANYTHING) {
            break;
        }
    }
    return worst;
}

/* `began`: whether the line has run recorded code. */
static Effect
after_target(Engine *engine, const Place *place, Scope *scope, int began)
{
    PyObject *value = place_value(engine, place, scope);
    if (value == NULL) {
        return place->length > 0 ? ON_ANYTHING : NO_EFFECT;
    }
    if (is_atom(Py_TYPE(value))) {
        Py_DECREF(value);
        return NO_EFFECT;
    }
    if (!stores_itself(engine, value, place->method)) {
        Py_DECREF(value);
        return ON_ANYTHING;
    }
    PyObject *item = place->key == NULL || began ? NULL : item_at(engine, value, place->key, scope);
    if (item == NULL || is_atom(Py_TYPE(item)) || !stores_itself(engine, item, place->method)) {
        Py_XDECREF(item);
        int grows = PyList_CheckExact(value) && place->levels == 1
                    && same_name(place->method, engine->state->name_iadd) && !place->is_bound;
        found_add(engine, value, place->levels, grows);
        return NO_EFFECT;
    }
    /* If the object is an item of its own, the store has put this one in its place. */
    found_add(engine, value, 0, 0);
    found_add(engine, item, 1, 0);
    return NO_EFFECT;
}

/* `iterates`: whether the line iterates over the object; otherwise it takes items of it. */
static Effect
after_container(Engine *engine, const Place *place, Scope *scope, int iterates)
{
    PyObject *value = place_value(engine, place, scope);
    PyTypeObject *kind = value == NULL ? NULL : Py_TYPE(value);
    if (value == NULL || is_atom(kind) || is_among(kind, engine->containers)
        || (!iterates && !gets_items(engine, kind))) {
        Py_XDECREF(value);
        return NO_EFFECT;
    }
    if (iterates && !is_among(kind, engine->iterators) && !iterates_itself(engine, kind)) {
        Py_DECREF(value);
        return ON_ANYTHING;
    }
    found_add(engine, value, 1, 0);
    return NO_EFFECT;
}

Effect
changes_after(Engine *engine, uint32_t *matched, Line *line, Scope *scope)
{
    if (engine->has_formatters || *matched & UNSEEN) {
        return ON_ANYTHING;
    }
    Effect effect = after_calls(engine, matched, line, scope);
    for (Py_ssize_t at = 0; effect != ON_ANYTHING && at < line->targets.count; at++) {
        int began = (*matched & BEGAN) != 0;
        if (after_target(engine, &line->targets.places[at], scope, began) == ON_ANYTHING) {
            effect = ON_ANYTHING;
        }
    }
    for (Py_ssize_t at = 0; effect != ON_ANYTHING && at < line->moves.count; at++) {
        if (after_container(engine, &line->moves.places[at], scope, 1) == ON_ANYTHING) {
            effect = ON_ANYTHING;
        }
    }
    for (Py_ssize_t at = 0; effect != ON_ANYTHING && at < line->containers.count; at++) {
        after_container(engine, &line->containers.places[at], scope, 0);
    }
    if (effect == ON_ANYTHING) {
        found_clear(engine);
    }
    for (size_t at = 0; effect == ON_ARGUMENTS && at < engine->found_used; at++) {
        /* Items may be gone. */
        engine->found[at].grows = 0;
    }
    return effect;
}

/* Returns the index of the call that has begun; -1 if the line does not name it. */
static Py_ssize_t
match(Engine *engine, uint32_t *matched, Line *line, Scope *scope, const Plan *plan, Scope *inner)
{
    Py_ssize_t again = -1;
    PyObject *first = plan->makes && plan->parameters > 0
                          ? scope_value(engine, inner, plan->parameter[0])
                          : NULL;
    Py_ssize_t found = -1;
    for (Py_ssize_t at = 0; found < 0 && at < line->site_count && at < MOST_SITES; at++) {
        Site *site = &line->sites[at];
        int is_same = same_name(site->name, plan->name);
        PyObject *owner = NULL;
        if (is_same ? site->is_ambiguous : PyUnicode_GetLength(site->name) == 0) {
            PyObject *callee = callee_of(engine, line, site, scope, &owner);
            is_same = callee != NULL && runs_code(engine, callee, plan->code);
            Py_XDECREF(callee);
            Py_CLEAR(owner);
        }
        if (!is_same && first != NULL && site->place.variable != NULL) {
            /* A class is called. */
            PyObject *callee = callee_of(engine, line, site, scope, &owner);
            PyObject *kind = callee == NULL ? NULL : function_in(engine, callee);
            is_same = kind == first || (kind != NULL && kind == (PyObject *)Py_TYPE(first));
            Py_XDECREF(callee);
            Py_CLEAR(owner);
        }
        if (is_same && !(*matched >> at & 1)) {
            found = at;
        }
        else if (is_same) {
            again = at;
        }
    }
    Py_XDECREF(first);
    return found >= 0 ? found : line->loops ? again : -1;
}

/* Returns whether one of the first calls, of which nothing was recorded, may have changed any object. */
static int
had_effect(Engine *engine, uint32_t *matched, Line *line, Scope *scope, Py_ssize_t count)
{
    int offset = -1;
    for (Py_ssize_t at = 0; at < count; at++) {
        const Site *site = &line->sites[at];
        if (at < MOST_SITES && (*matched >> at & 1)) {
            continue;
        }
        PyObject *owner;
        Effect effect = site_effect(engine, line, site, scope, &owner);
        if (effect == NO_EFFECT && !site->place.has_items) {
            Py_XDECREF(owner);
            continue;
        }
        offset = offset < 0 ? scope_offset(scope) : offset;
        if (site->start > offset && !line->loops) {
            /* It has not begun. */
            Py_XDECREF(owner);
            continue;
        }
        if (settled(engine, *matched, line, at, scope, effect, owner) != NO_EFFECT) {
            found_clear(engine);
            return 1;
        }
    }
    return 0;
}

/* Returns whether a line may have stored into an object before an unnamed call begins. */
static int
has_stored(Engine *engine, const Line *line, Scope *scope, const Plan *plan)
{
    const ModuleState *state = engine->state;
    int offset = scope_offset(scope);
    if (offset < line->stores_at) {
        return line->loops;
    }
    int is_first = offset == line->stores_at && !line->loops && line->targets.count == 1;
    if (!is_first || !line->stores_item
        || (!same_name(plan->name, state->name_eq)
            && !same_name(plan->name, state->name_hash))) {
        /* What dies by a store may run its finalizer. */
        return 1;
    }
    const Place *place = &line->targets.places[0];
    PyObject *value = place->levels > 1 ? NULL : place_value(engine, place, scope);
    int stored = value == NULL || !PyDict_CheckExact(value);
    Py_XDECREF(value);
    return stored;
}

int
changes_at_call(Engine *engine, uint32_t *matched, Line *line, Scope *scope, const Plan *plan,
                Scope *inner)
{
    *matched |= BEGAN;
    Py_ssize_t index = match(engine, matched, line, scope, plan, inner);
    if (index >= 0) {
        if (reports_changes(plan)) {
            *matched |= 1u << index;
        }
        if (line->sites[index].is_late) {
            return 1;
        }
    }
    else if (line->is_mixed || (line->stores_at >= 0 && has_stored(engine, line, scope, plan))) {
        return 1;
    }
    if (*matched & UNSEEN) {
        return 1;
    }
    Py_ssize_t count = index < 0 || line->loops ? line->site_count : index;
    return had_effect(engine, matched, line, scope, count);
}

int
changes_at_resume(Engine *engine, uint32_t *matched, Line *line, Scope *scope)
{
    *matched |= BEGAN;
    return line->is_mixed || (*matched & UNSEEN) || had_effect(engine, matched, line, scope, line->site_count);
}

/* Returns whether an object gives items that exist already. */
static int
gives_old(Engine *engine, PyObject *value)
{
    if (value == NULL) {
        return 0;
    }
    return Py_TYPE(value) == engine->state->generator_type
               ? runs_recorded(engine, value)
               : is_among(Py_TYPE(value), engine->containers);
}

/* Returns whether each new instance of a class is seen when it is made. */
static int
is_announced(Engine *engine, PyTypeObject *kind, Layout *layout)
{
    if (!(PyType_GetFlags(kind) & Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    if (!layout->is_announced) {
        PyObject *method = class_entry(engine->state, kind, engine->state->name_init);
        layout->is_announced = is_recorded(engine, method);
        Py_XDECREF(method);
    }
    return layout->is_announced;
}

/* Returns whether an attribute that an object does not have itself existed before. */
static int
is_old(Engine *engine, const Place *place, Scope *scope)
{
    PyObject *owner = value_along(engine, place, scope, place->length - 1);
    if (owner == NULL) {
        /* The attribute before it has been judged. */
        return place->length > 1;
    }
    PyObject *found = class_entry(engine->state, Py_TYPE(owner), place->path[place->length - 1].name);
    int old = found != NULL && is_old_attribute(engine, found);
    Py_XDECREF(found);
    Py_DECREF(owner);
    return old;
}

/* Returns whether a call of which nothing was recorded may have made an object that stays. */
static int
site_makes(Engine *engine, Line *line, const Site *site, Scope *scope)
{
    if (site->is_super || site->is_rebound) {
        return 1;
    }
    PyObject *owner;
    PyObject *callee = callee_of(engine, line, site, scope, &owner);
    int makes = !is_plain(engine, callee);
    Py_XDECREF(callee);
    Py_XDECREF(owner);
    return makes;
}

/* Returns how many levels of objects a line may have made, whatever they are. */
static int
count_made(Engine *engine, const Judging *judging)
{
    Line *line = judging->line;
    Scope *scope = judging->scope;
    if (line->hides) {
        return ALL_LEVELS;
    }
    for (Py_ssize_t at = 0; at < line->attributes.count; at++) {
        PyObject *found = place_value(engine, &line->attributes.places[at], scope);
        Py_XDECREF(found);
        if (found == NULL && !is_old(engine, &line->attributes.places[at], scope)) {
            return ALL_LEVELS;
        }
    }
    for (Py_ssize_t at = 0; at < line->containers.count; at++) {
        PyObject *container = place_value(engine, &line->containers.places[at], scope);
        int old = gives_old(engine, container);
        Py_XDECREF(container);
        if (!old) {
            return ALL_LEVELS;
        }
    }
    int levels = line->births;
    for (Py_ssize_t at = 0; at < line->site_count; at++) {
        int is_matched = at < MOST_SITES && (*judging->matched >> at & 1);
        levels += !is_matched && site_makes(engine, line, &line->sites[at], scope);
    }
    return levels;
}

static int
levels_made(Engine *engine, Judging *judging)
{
    if (judging->made == 0) {
        judging->made = count_made(engine, judging) + 1;
    }
    return judging->made - 1;
}

int
changes_levels_found(Engine *engine, Judging *judging, int changed)
{
    const Line *line = judging->line;
    int most = line->births + (int)line->site_count;
    int made = levels_made(engine, judging);
    return changed + (made < most ? made : most);
}

int
changes_levels(Engine *engine, PyObject *value)
{
    Judging *judging = engine->values.judging;
    Line *line = judging->line;
    Scope *scope = judging->scope;
    Layout *layout = layout_of(engine, Py_TYPE(value));
    if (layout == NULL) {
        return -1;
    }
    if (layout->reading != NULL) {
        /* What it holds is elsewhere, as in a view of a dict. */
        return ALL_LEVELS;
    }
    if (!(line->births || line->hides || line->site_count || line->attributes.count
          || line->containers.count)) {
        return 0;
    }
    if (!line->is_bare && is_announced(engine, Py_TYPE(value), layout)) {
        return 0;
    }
    for (Py_ssize_t at = 0; at < line->known.count; at++) {
        PyObject *known = place_value(engine, &line->known.places[at], scope);
        Py_XDECREF(known);
        if (known == value) {
            return 0;
        }
    }
    return levels_made(engine, judging);
}

/* Fills a table of types from a tuple. They are CPython's own, and never freed. */
static int
kinds_fill(PyTypeObject **kinds, PyObject *told)
{
    Py_ssize_t count = PyTuple_Size(told);
    if (count < 0 || count >= MOST_KINDS) {
        PyErr_SetString(PyExc_SystemError, "too many types");
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        kinds[at] = (PyTypeObject *)PyTuple_GetItem(told, at);
    }
    return 0;
}

int
changes_init(Engine *engine, PyObject *containers, PyObject *iterators)
{
    return kinds_fill(engine->containers, containers) < 0 || kinds_fill(engine->iterators, iterators) < 0
               ? -1
               : 0;
}

int
changes_prepare(ModuleState *state)
{
    PyObject *append = PyUnicode_InternFromString("append");
    PyObject *extend = PyUnicode_InternFromString("extend");
    if (append != NULL && extend != NULL) {
        state->list_append = class_entry(state, &PyList_Type, append);
        state->list_extend = class_entry(state, &PyList_Type, extend);
    }
    Py_XDECREF(append);
    Py_XDECREF(extend);
    return PyErr_Occurred() ? -1 : 0;
}
