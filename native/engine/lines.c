#include "lines.h"

#include <stdlib.h>

#include "bytecode.h"
#include "facts.h"
#include "names.h"
#include "tables.h"

#define DROPPED 2 /* as in lines.py */

void
looks_free(Looks *looks)
{
    PyMem_Free(looks->looks);
    looks->looks = NULL;
}

static void place_clear(Place *place);

static void
step_clear(Step *step)
{
    Py_CLEAR(step->name);
    Py_CLEAR(step->value);
    place_clear(&step->key);
}

static void
place_clear(Place *place)
{
    for (int at = 0; at < place->length; at++) {
        step_clear(&place->path[at]);
    }
    PyMem_Free(place->path);
    place->path = NULL;
    place->length = 0;
    if (place->key != NULL) {
        step_clear(place->key);
        PyMem_Free(place->key);
        place->key = NULL;
    }
    Py_CLEAR(place->method);
}

static void
places_free(Places *places)
{
    for (Py_ssize_t at = 0; at < places->count; at++) {
        place_clear(&places->places[at]);
    }
    PyMem_Free(places->places);
    places->places = NULL;
}

/* What a line is made of. */
typedef struct {
    Variables variables;
    const CodeReading *reading;
    const LineFacts *facts;
    PyObject *cells[2]; /* cells and free variables: another function may bind them at any time */
    int *wanted;        /* by number of a variable: its place among those that are wanted, plus 1 */
} Source;

/* Returns a variable of the plan; NULL if it has none of that name. */
static Variable *
variable_named(const Source *source, PyObject *name, int is_global)
{
    const CodeReading *reading = source->reading;
    Py_ssize_t number =
        (Py_ssize_t)table_get(is_global ? &reading->global_numbers : &reading->local_numbers, name);
    if (number == 0) {
        return NULL;
    }
    number += is_global ? source->variables.locals : 0;
    return &source->variables.variables[number - 1];
}

/* Returns whether all variables on the way to a place are the plan's. */
static int
is_known(const Source *source, const Way *way)
{
    int known = variable_named(source, way->name, way->is_global) != NULL;
    for (int at = 0; known && at < way->length; at++) {
        const Key *key = way->steps[at].key;
        known = key == NULL || key->way == NULL || is_known(source, key->way);
    }
    return known;
}

static int place_fill(Place *place, const Source *source, const Way *way);

static int
key_fill(Step *step, const Source *source, const Key *key)
{
    if (key->way != NULL) {
        return place_fill(&step->key, source, key->way);
    }
    step->value = Py_NewRef(key->value);
    return 0;
}

/* Fills a place, which is zero, from one that `is_known`. */
static int
place_fill(Place *place, const Source *source, const Way *way)
{
    place->variable = variable_named(source, way->name, way->is_global);
    place->levels = 1;
    if (way->length == 0) {
        return 0;
    }
    place->path = PyMem_Calloc((size_t)way->length, sizeof(Step));
    if (place->path == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (place->length < way->length) {
        const WayStep *from = &way->steps[place->length];
        Step *step = &place->path[place->length++];
        if (from->name != NULL) {
            step->name = Py_NewRef(from->name);
        }
        else {
            place->has_items = 1;
            if (key_fill(step, source, from->key) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Adds a place to those for which there is room, if it is known. Returns it, or NULL; sets `failed`. */
static Place *
place_add(Places *places, const Source *source, const Way *way, int *failed)
{
    if (!is_known(source, way)) {
        return NULL;
    }
    Place *place = &places->places[places->count++];
    *failed |= place_fill(place, source, way) < 0;
    return place;
}

/* Makes room for places. */
static int
places_new(Places *places, int count)
{
    if (count == 0) {
        return 0;
    }
    places->places = PyMem_Calloc((size_t)count, sizeof(Place));
    if (places->places == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int
places_fill(Places *places, const Source *source, const Ways *ways)
{
    int failed = places_new(places, ways->count) < 0;
    for (int at = 0; !failed && at < ways->count; at++) {
        place_add(places, source, ways->items[at], &failed);
    }
    return failed ? -1 : 0;
}

/* Returns whether a line binds a variable in another way than by an operator in place. */
static int
is_rebound(const LineFacts *facts, const Way *way)
{
    for (int at = 0; at < facts->rebinds.count; at++) {
        const Way *each = facts->rebinds.items[at];
        if (each->name == way->name && each->is_global == way->is_global) {
            return 1;
        }
    }
    return 0;
}

static int
targets_fill(Places *places, const Source *source)
{
    const LineFacts *facts = source->facts;
    int takes_keys =
        !(facts->calls.count > 0 || facts->loops || facts->pauses || facts->is_mixed);
    int failed = places_new(places, facts->targets.count) < 0;
    for (int at = 0; !failed && at < facts->targets.count; at++) {
        const TargetFact *target = &facts->targets.items[at];
        Place *place = place_add(places, source, target->way, &failed);
        if (place == NULL) {
            continue;
        }
        place->levels = target->levels;
        place->method = Py_NewRef(target->method);
        place->is_bound = is_rebound(facts, target->way);
        const Key *key = takes_keys ? target->key : NULL;
        if (key != NULL && (key->way == NULL || is_known(source, key->way))) {
            place->key = PyMem_Calloc(1, sizeof(Step));
            if (place->key == NULL) {
                PyErr_NoMemory();
                failed = 1;
            }
            else {
                failed |= key_fill(place->key, source, key) < 0;
            }
        }
    }
    return failed ? -1 : 0;
}

/* Fills the places of objects that were there before the line. */
static int
known_fill(Places *places, const Source *source)
{
    const LineFacts *facts = source->facts;
    const NameFacts *scopes[] = {&facts->locals, &facts->globals};
    int failed = places_new(places, facts->locals.count + facts->globals.count
                                        + facts->attributes.count)
                 < 0;
    for (int is_global = 0; !failed && is_global < 2; is_global++) {
        for (int at = 0; !failed && at < scopes[is_global]->count; at++) {
            const NameFact *fact = &scopes[is_global]->items[at];
            Variable *variable =
                fact->binds ? NULL : variable_named(source, fact->name, is_global);
            if (variable != NULL) {
                places->places[places->count++] = (Place){.variable = variable, .levels = 1};
            }
        }
    }
    for (int at = 0; !failed && at < facts->attributes.count; at++) {
        place_add(places, source, facts->attributes.items[at], &failed);
    }
    return failed ? -1 : 0;
}

/* ---- the variables to look at */

/* A variable that a line names, or that is looked at with every line. */
typedef struct {
    Variable *variable;
    int binds;
    int is_always; /* whether it is a cell, or free */
} Wanted;

static int
compare_wanted(const void *one, const void *other)
{
    const Variable *first = ((const Wanted *)one)->variable;
    const Variable *second = ((const Wanted *)other)->variable;
    return (first->number > second->number) - (first->number < second->number);
}

/* Adds a variable, unless it is dropped. What is added later counts. */
static void
wanted_add(const Source *source, Wanted *wanted, int *count, Variable *variable, int binds,
           int is_always)
{
    if (variable == NULL || variable->action == DROPPED) {
        return;
    }
    int *place = &source->wanted[variable - source->variables.variables];
    if (*place > 0) {
        wanted[*place - 1].binds = binds;
        return;
    }
    wanted[(*count)++] = (Wanted){variable, binds, is_always};
    *place = *count;
}

/* Collects the variables of a scope, in the order of their numbers. Returns how many there are. */
static int
wanted_fill(Wanted *wanted, const Source *source, int is_global)
{
    const LineFacts *placeless = source->reading->placeless;
    const LineFacts *lines[] = {placeless, source->facts};
    int count = 0;
    for (int of = 0; !is_global && of < 2; of++) {
        for (Py_ssize_t at = 0; at < PyTuple_Size(source->cells[of]); at++) {
            PyObject *name = PyTuple_GetItem(source->cells[of], at);
            wanted_add(source, wanted, &count, variable_named(source, name, 0), 0, 1);
        }
    }
    for (int of = 0; of < 2; of++) {
        const NameFacts *names = lines[of] == NULL ? NULL
                                 : is_global       ? &lines[of]->globals
                                                   : &lines[of]->locals;
        for (int at = 0; names != NULL && at < names->count; at++) {
            wanted_add(source, wanted, &count,
                       variable_named(source, names->items[at].name, is_global),
                       names->items[at].binds, 0);
        }
    }
    for (int at = 0; at < count; at++) {
        source->wanted[wanted[at].variable - source->variables.variables] = 0;
    }
    qsort(wanted, (size_t)count, sizeof(*wanted), compare_wanted);
    return count;
}

static int
looks_new(Looks *looks, size_t room)
{
    looks->looks = PyMem_Calloc(room + 1, sizeof(Look));
    if (looks->looks == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void
look_at(Looks *looks, Look look)
{
    looks->looks[looks->count++] = look;
}

static int
variables_fill(Line *line, const Source *source)
{
    const LineFacts *facts = source->facts;
    const LineFacts *placeless = source->reading->placeless;
    size_t room = (size_t)(facts->locals.count + facts->globals.count)
                  + (size_t)(PyTuple_Size(source->cells[0]) + PyTuple_Size(source->cells[1]));
    room += placeless == NULL ? 0
                              : (size_t)(placeless->locals.count + placeless->globals.count);
    Wanted *wanted = PyMem_Calloc(room + 1, sizeof(*wanted));
    if (wanted == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int failed = looks_new(&line->named, room) < 0 || looks_new(&line->bound, room) < 0
                 || looks_new(&line->globals, room) < 0;
    for (int is_global = 0; !failed && is_global < 2; is_global++) {
        int count = wanted_fill(wanted, source, is_global);
        for (int at = 0; at < count; at++) {
            const Wanted *each = &wanted[at];
            Look look = {each->variable, each->binds ? 0 : facts->reach + 1};
            look_at(&line->named, look);
            if (each->binds || each->is_always) {
                look_at(&line->bound, look);
            }
            else if (is_global) {
                look_at(&line->globals, look);
            }
        }
    }
    PyMem_Free(wanted);
    return failed ? -1 : 0;
}

/* ---- calls */

/* Returns whether the line binds a variable that leads to a place. */
static int
is_moved(const LineFacts *facts, const Way *way)
{
    const NameFacts *scopes[] = {&facts->locals, &facts->globals};
    for (int is_global = 0; is_global < 2; is_global++) {
        for (int at = 0; at < scopes[is_global]->count; at++) {
            const NameFact *fact = &scopes[is_global]->items[at];
            if (fact->binds && way_leads(way, fact->name, is_global)) {
                return 1;
            }
        }
    }
    return 0;
}

static int
site_fill(Site *site, const Source *source, const Call *call)
{
    const LineFacts *facts = source->facts;
    site->name = Py_NewRef(call->name);
    site->constant = (PyTypeObject *)Py_XNewRef(call->constant);
    site->before = call->before;
    site->is_method = call->is_method;
    site->is_super = call->is_super;
    site->is_late = call->is_late;
    site->start = call->start;
    site->varies = facts->loops && (call->way == NULL ? call->is_method : is_moved(facts, call->way));
    site->is_rebound = call->is_rebound || site->varies;
    if (call->way == NULL || !is_known(source, call->way)) {
        return 0;
    }
    int failed = place_fill(&site->place, source, call->way);
    site->place.is_bound = is_rebound(facts, call->way);
    return failed;
}

static int
sites_fill(Line *line, const Source *source)
{
    const LineFacts *facts = source->facts;
    line->sites = PyMem_Calloc((size_t)facts->calls.count + 2, sizeof(Site));
    if (line->sites == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int at = 0; at < facts->calls.count; at++) {
        if (site_fill(&line->sites[line->site_count++], source, &facts->calls.items[at]) < 0) {
            return -1;
        }
    }
    int rebinds = 0;
    for (int at = 0; at < facts->targets.count; at++) {
        rebinds |= is_rebound(facts, facts->targets.items[at].way);
    }
    if (facts->loops && rebinds) {
        /* Each turn has stored into another object. */
        Site *unseen = &line->sites[line->site_count++];
        unseen->name = PyUnicode_InternFromString("");
        unseen->before = -1;
        if (unseen->name == NULL) {
            return -1;
        }
    }
    int stores_before = facts->loops && (facts->is_wide || facts->targets.count > 0);
    for (Py_ssize_t at = 0; at < line->site_count; at++) {
        Site *site = &line->sites[at];
        site->is_late |= stores_before;
        for (Py_ssize_t other = 0; !site->is_ambiguous && other < line->site_count; other++) {
            site->is_ambiguous = other != at && line->sites[other].name == site->name;
        }
    }
    return 0;
}

/* ---- lines */

static int
line_fill(Line *line, Source *source, const LineFacts *facts)
{
    source->facts = facts;
    line->number = facts->number;
    line->births = facts->births;
    line->hides = facts->hides;
    line->is_wide = facts->is_wide;
    /* In a loop, what comes later in the line has run before, too. */
    line->is_mixed =
        facts->is_mixed || (facts->loops && (facts->is_wide || facts->targets.count > 0));
    line->stores_at = facts->stores_at;
    line->stores_item = facts->stores_item;
    line->loops = facts->loops;
    line->again_at = facts->again_at;
    for (int at = 0; at < facts->calls.count; at++) {
        const Call *call = &facts->calls.items[at];
        line->is_bare |=
            call->is_method && PyUnicode_CompareWithASCIIString(call->name, "__new__") == 0;
    }
    if (variables_fill(line, source) < 0 || known_fill(&line->known, source) < 0
        || places_fill(&line->attributes, source, &facts->attributes) < 0
        || places_fill(&line->containers, source, &facts->containers) < 0
        || places_fill(&line->moves, source, &facts->moves) < 0
        || targets_fill(&line->targets, source) < 0 || sites_fill(line, source) < 0) {
        return -1;
    }
    if (facts->again != NULL) {
        line->again = PyMem_Calloc(1, sizeof(Line));
        if (line->again == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        return line_fill(line->again, source, facts->again);
    }
    return 0;
}

int
lines_fill(Line *lines, Variables variables, const CodeReading *reading)
{
    Source source = {.variables = variables, .reading = reading};
    if (variables.locals != PyList_Size(reading->names)
        || variables.count != variables.locals + PyList_Size(reading->global_names)) {
        PyErr_SetString(PyExc_SystemError, "a plan has other variables than its code");
        return -1;
    }
    source.cells[0] = next_attribute(reading->code, "co_cellvars");
    source.cells[1] = next_attribute(reading->code, "co_freevars");
    source.wanted = PyMem_Calloc((size_t)variables.count + 1, sizeof(int));
    int failed = source.cells[0] == NULL || source.cells[1] == NULL;
    if (!failed && source.wanted == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    for (Py_ssize_t at = 0; !failed && at < reading->line_count; at++) {
        failed = line_fill(&lines[at], &source, reading->lines[at]) < 0;
    }
    PyMem_Free(source.wanted);
    Py_XDECREF(source.cells[0]);
    Py_XDECREF(source.cells[1]);
    return failed ? -1 : 0;
}

void
line_clear(Line *line)
{
    looks_free(&line->named);
    looks_free(&line->bound);
    looks_free(&line->globals);
    places_free(&line->known);
    places_free(&line->attributes);
    places_free(&line->containers);
    places_free(&line->targets);
    places_free(&line->moves);
    for (Py_ssize_t at = 0; at < line->site_count; at++) {
        place_clear(&line->sites[at].place);
        Py_XDECREF(line->sites[at].name);
        Py_XDECREF((PyObject *)line->sites[at].constant);
    }
    PyMem_Free(line->sites);
    if (line->again != NULL) {
        line_clear(line->again);
        PyMem_Free(line->again);
    }
}
