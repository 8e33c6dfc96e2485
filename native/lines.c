#include "lines.h"

#include "names.h"

Variable *
variable_told(Variables variables, PyObject *told)
{
    long number = told == NULL ? -1 : number_attribute(told, "number");
    if (number < 0 || number >= variables.count) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_SystemError, "a plan of %zd variables has none of the number %ld",
                         variables.count, number);
        }
        return NULL;
    }
    return &variables.variables[number];
}

int
looks_fill(Looks *looks, Variables variables, PyObject *told)
{
    Py_ssize_t count = told == NULL ? -1 : PyList_Size(told);
    if (count < 0) {
        return -1;
    }
    looks->looks = PyMem_Calloc((size_t)count + 1, sizeof(Look));
    if (looks->looks == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    looks->count = count;
    for (Py_ssize_t at = 0; at < count; at++) {
        PyObject *pair = PyList_GetItem(told, at);
        PyObject *reach = pair == NULL ? NULL : PyTuple_GetItem(pair, 1);
        if (reach == NULL) {
            return -1;
        }
        looks->looks[at].variable = variable_told(variables, PyTuple_GetItem(pair, 0));
        if (looks->looks[at].variable == NULL) {
            return -1;
        }
        looks->looks[at].reach = (int)PyLong_AsLong(reach);
    }
    return PyErr_Occurred() ? -1 : 0;
}

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

static int place_fill(Place *place, Variables variables, PyObject *told);

/* Fills a step from the name of an attribute, or from an Item of lines.py. */
static int
step_fill(Step *step, Variables variables, PyObject *told)
{
    if (PyUnicode_Check(told)) {
        step->name = Py_NewRef(told);
        return 0;
    }
    PyObject *place = next_attribute(told, "place");
    PyObject *value = next_attribute(told, "value");
    int failed = value == NULL;
    if (!failed && place == Py_None) {
        step->value = Py_NewRef(value);
    }
    else if (!failed) {
        failed = place_fill(&step->key, variables, place) < 0;
    }
    Py_XDECREF(place);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

static int
place_fill(Place *place, Variables variables, PyObject *told)
{
    PyObject *variable = next_attribute(told, "variable");
    PyObject *path = next_attribute(told, "path");
    place->method = next_attribute(told, "method");
    place->levels = (int)number_attribute(told, "levels");
    place->has_items = (int)number_attribute(told, "has_items");
    place->is_bound = (int)number_attribute(told, "is_bound");
    int failed = PyErr_Occurred() != NULL;
    if (!failed) {
        place->variable = variable_told(variables, variable);
        failed = place->variable == NULL;
    }
    Py_ssize_t length = failed ? 0 : PyTuple_Size(path);
    if (length > 0 && (place->path = PyMem_Calloc((size_t)length, sizeof(Step))) == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    while (!failed && place->length < length) {
        PyObject *step = PyTuple_GetItem(path, place->length);
        failed = step_fill(&place->path[place->length++], variables, step) < 0;
    }
    PyObject *key = failed ? NULL : next_attribute(told, "key");
    if (!failed && key != Py_None) {
        place->key = key == NULL ? NULL : PyMem_Calloc(1, sizeof(Step));
        failed = place->key == NULL || step_fill(place->key, variables, key) < 0;
        if (failed && !PyErr_Occurred()) {
            PyErr_NoMemory();
        }
    }
    Py_XDECREF(key);
    Py_XDECREF(variable);
    Py_XDECREF(path);
    return failed ? -1 : 0;
}

static int
places_fill(Places *places, Variables variables, PyObject *told)
{
    Py_ssize_t count = told == NULL ? -1 : PyList_Size(told);
    if (count < 0) {
        return -1;
    }
    if (count == 0) {
        return 0;
    }
    places->places = PyMem_Calloc((size_t)count, sizeof(Place));
    if (places->places == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (places->count < count) {
        Place *next = &places->places[places->count];
        PyObject *place = PyList_GetItem(told, places->count++);
        if (place_fill(next, variables, place) < 0) {
            return -1;
        }
    }
    return 0;
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

static int
site_fill(Site *site, Variables variables, PyObject *told)
{
    site->name = next_attribute(told, "name");
    PyObject *constant = next_attribute(told, "constant");
    PyObject *place = next_attribute(told, "place");
    site->before = (int)number_attribute(told, "before");
    site->is_method = (int)number_attribute(told, "is_method");
    site->is_super = (int)number_attribute(told, "is_super");
    site->is_late = (int)number_attribute(told, "is_late");
    site->is_rebound = (int)number_attribute(told, "is_rebound");
    site->start = (int)number_attribute(told, "start");
    site->varies = (int)number_attribute(told, "varies");
    site->is_ambiguous = (int)number_attribute(told, "is_ambiguous");
    int failed = PyErr_Occurred() != NULL;
    if (!failed && constant != Py_None) {
        site->constant = (PyTypeObject *)Py_NewRef(constant);
    }
    if (!failed && place != Py_None) {
        failed = place_fill(&site->place, variables, place) < 0;
    }
    Py_XDECREF(constant);
    Py_XDECREF(place);
    return failed ? -1 : 0;
}

static int
sites_fill(Line *line, Variables variables, PyObject *told)
{
    Py_ssize_t count = told == NULL ? -1 : PyList_Size(told);
    if (count < 0) {
        return -1;
    }
    line->sites = PyMem_Calloc((size_t)count + 1, sizeof(Site));
    if (line->sites == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (line->site_count < count) {
        Site *next = &line->sites[line->site_count];
        PyObject *site = PyList_GetItem(told, line->site_count++);
        if (site_fill(next, variables, site) < 0) {
            return -1;
        }
    }
    return 0;
}

int
line_fill(Line *line, Variables variables, PyObject *told)
{
    struct {
        const char *name;
        Looks *looks;
        Places *places;
    } parts[] = {
        {"named", &line->named, NULL},
        {"bound", &line->bound, NULL},
        {"globals", &line->globals, NULL},
        {"known", NULL, &line->known},
        {"attributes", NULL, &line->attributes},
        {"containers", NULL, &line->containers},
        {"targets", NULL, &line->targets},
        {"moves", NULL, &line->moves},
    };
    for (size_t at = 0; at < sizeof(parts) / sizeof(*parts); at++) {
        PyObject *part = next_attribute(told, parts[at].name);
        int failed = parts[at].looks != NULL ? looks_fill(parts[at].looks, variables, part)
                                             : places_fill(parts[at].places, variables, part);
        Py_XDECREF(part);
        if (failed < 0) {
            return -1;
        }
    }
    PyObject *sites = next_attribute(told, "sites");
    int failed = sites_fill(line, variables, sites) < 0;
    Py_XDECREF(sites);
    line->births = (int)number_attribute(told, "births");
    line->hides = (int)number_attribute(told, "hides");
    line->is_bare = (int)number_attribute(told, "is_bare");
    line->is_wide = (int)number_attribute(told, "is_wide");
    line->is_mixed = (int)number_attribute(told, "is_mixed");
    line->stores_at = (int)number_attribute(told, "stores_at");
    line->stores_item = (int)number_attribute(told, "stores_item");
    line->loops = (int)number_attribute(told, "loops");
    line->again_at = (int)number_attribute(told, "again_at");
    PyObject *again = failed ? NULL : next_attribute(told, "again");
    failed = again == NULL || PyErr_Occurred() != NULL;
    if (!failed && again != Py_None) {
        line->again = PyMem_Calloc(1, sizeof(Line));
        failed = line->again == NULL;
        if (failed) {
            PyErr_NoMemory();
        }
        else {
            line->again->number = line->number;
            failed = line_fill(line->again, variables, again) < 0;
        }
    }
    Py_XDECREF(again);
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
