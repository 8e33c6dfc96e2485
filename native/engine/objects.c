#include "objects.h"

#include "_trace_fields.h"
#include "_trace_format.h"
#include "_trace_records.h"
#include "attributes.h"
#include "contents.h"
#include "digests.h"
#include "items.h"
#include "known.h"
#include "layouts.h"
#include "plans.h"
#include "references.h"
#include "state.h"
#include "tables.h"
#include "values.h"
#include "words.h"

/* The bit of a remembered hash that differs if the objects in the contents were not looked at. */
#define SHALLOW 1

static int
put_items(Engine *engine, Plan *plan, Items *items, PyObject *object, Layout *layout, int depth)
{
    if (layout->reading != NULL && layout->reading->way) {
        return known_items(engine, items, object, layout->reading, depth);
    }
    return object_items(engine, plan, items, object, layout, depth);
}

static int
put_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    /* The only attribute of a method is the object that it belongs to. */
    if (layout->reading != NULL && layout->form != FORM_METHOD
        && known_attributes(engine, fields, object, layout->reading) < 0) {
        return -1;
    }
    return object_attributes(engine, fields, object, layout);
}

/* Removes from the queue what was added since it had so many objects. */
static void
queue_cut(Values *values, size_t waiting)
{
    while (values->queue_used > waiting) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
}

/* Appends what an object holds to the buffers of the values, or only compares it. */
static int
take_held(Engine *engine, Plan *plan, PyObject *object, Layout *layout, Items *items,
          Fields *fields)
{
    Values *values = &engine->values;
    values->content.used = values->items_held.used = values->fields.used = 0;
    values->spare = NESTED * (Py_ssize_t)values->items;
    values->is_told = layout->formatter == NULL;
    /* The filters' rules and the known secrets decide what is hidden. */
    values->digest = (uint64_t)(uintptr_t)plan->attributes ^ engine->secrets.count;
    if (put_items(engine, plan, items, object, layout, fields->depth) < 0
        || put_attributes(engine, fields, object, layout) < 0) {
        return -1;
    }
    digest_add(values, (uint64_t)layout->number, (uint64_t)items->total);
    digest_add(values, (uint64_t)fields->cut, (uint64_t)fields->count);
    if (values->digest == 0) {
        values->digest = 1;
    }
    if (items->total > items->count || fields->cut) {
        values->was_cut = 1;
    }
    return 0;
}

static int
put_held(Engine *engine, Plan *plan, PyObject *object, Layout *layout, uint32_t number, int depth,
         const Words *words)
{
    Values *values = &engine->values;
    Buffer *to = &values->content;
    Items items = {&values->items_held, 0, 0};
    Fields fields = {plan, depth, 0, 0};
    if (take_held(engine, plan, object, layout, &items, &fields) < 0) {
        return -1;
    }
    ObjectRecord held = {
        .number = number,
        .form = (uint64_t)layout->form,
        .type_number = layout->number,
        .total = (uint64_t)items.total,
        .items = {(uint64_t)items.count, items.to->bytes, items.to->used},
        .more = (uint64_t)fields.cut,
        .attributes = {(uint64_t)fields.count, values->fields.bytes, values->fields.used},
    };
    values->held = held;
    values->is_worded = words->are_there;
    if (!words->are_there) {
        return put_object_record(to, &held);
    }
    /* Encode the words last, because an attribute may be a secret that they contain. */
    Buffer said = {0};
    int outcome = words_put(engine, &said, words);
    if (outcome == 0) {
        WordedRecord worded = {
            .number = held.number,
            .form = held.form,
            .type_number = held.type_number,
            .total = held.total,
            .items = held.items,
            .more = held.more,
            .attributes = held.attributes,
            .failed = (uint64_t)words->failed,
            .words = {said.bytes, said.used},
        };
        outcome = put_worded_record(to, &worded);
    }
    buffer_free(&said);
    return outcome;
}

static int
put_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth, int again)
{
    Words words = {0};
    Layout *layout = layout_of(engine, Py_TYPE(object));
    if (layout == NULL) {
        return -1;
    }
    if (layout->formatter != NULL && !again
        && words_ask(engine, plan, layout->formatter, object, &words) < 0) {
        return -1;
    }
    engine->values.within = 1;
    int outcome = put_held(engine, plan, object, layout, number, depth, &words);
    engine->values.within = 0;
    words_end(&words);
    return outcome;
}

/* Puts the record of an object's contents into `values->content`. If `again`, the object has just been
   written, and the record has no words. */
static int
object_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth, int again)
{
    /* A layout exists as long as its type. While Python code is called, another thread may give the
       object another type, so keep this one. */
    PyObject *type = Py_NewRef((PyObject *)Py_TYPE(object));
    int outcome = put_content(engine, plan, object, number, depth, again);
    Py_DECREF(type);
    return outcome;
}

/* Returns whether an object's contents have a digest; -1 with an exception. If so, queues the objects that
   they refer to, as encoding them does. 0 stands for no digest. */
static int
has_digest(Engine *engine, Plan *plan, const Queued *queued, int depth, uint64_t digest)
{
    Values *values = &engine->values;
    if (digest == 0) {
        return 0;
    }
    size_t waiting = values->queue_used;
    int was_cut = values->was_cut;
    int room = values->room;
    Items items = {&values->items_held, 0, 0};
    Fields fields = {plan, depth, 0, 0};
    values->within = values->compares = 1;
    Layout *layout = layout_of(engine, Py_TYPE(queued->object));
    /* Python code is called to read a known type only. */
    PyObject *type = NULL;
    if (layout != NULL && layout->reading != NULL) {
        type = Py_NewRef((PyObject *)Py_TYPE(queued->object));
    }
    int is_same = layout != NULL
                  && take_held(engine, plan, queued->object, layout, &items, &fields) == 0
                  && values->is_told && values->digest == digest;
    values->within = values->compares = 0;
    Py_XDECREF(type);
    if (is_same) {
        return 1;
    }
    queue_cut(values, waiting);
    values->was_cut = was_cut;
    values->room = room;
    values->refers = 0;
    return PyErr_Occurred() ? -1 : 0;
}

static int
write_object(Engine *engine, Plan *plan, Queued queued, Known *known)
{
    Values *values = &engine->values;
    int is_known = known->object == queued.object && known->number == queued.number;
    int may_trust = is_known && (values->is_shallow || !known->is_shallow);
    uint64_t digest = may_trust ? known->digest : 0;
    values->old = 0;
    if (is_known) {
        int is_trusted = !in_doubt(values, known->event);
        if (!is_trusted || known->depth < queued.depth) {
            known->depth = queued.depth;
        }
        if (known->event != values->event) {
            known->before = known->grown == values->event && is_trusted ? known->items : 0;
        }
        values->old = known->before;
        if (PyList_CheckExact(queued.object)) {
            known->items = PyList_Size(queued.object);
        }
        if (known->event != values->event || known->levels < queued.levels) {
            known->levels = queued.levels;
        }
        known->event = values->event;
    }
    size_t waiting = values->queue_used;
    values->refers = 0;
    values->room = queued.room - 1;
    values->levels = queued.levels > 0 ? queued.levels - 1 : 0;
    int unchanged = has_digest(engine, plan, &queued, queued.depth - 1, digest);
    if (unchanged != 0) {
        return unchanged < 0 ? -1 : 0;
    }
    if (object_content(engine, plan, queued.object, queued.number, queued.depth - 1, 0) < 0) {
        return -1;
    }
    Buffer *content = &values->content;
    uint64_t hash = hash_bytes(content->bytes, content->used);
    known = known_find(values, queued.object);
    is_known = known->object == queued.object && known->number == queued.number;
    uint64_t told = values->is_told ? values->digest : 0;
    if (is_known && known->content == hash) {
        known->digest = told;
        return 0;
    }
    int is_written = is_known && known->content == (hash ^ SHALLOW);
    const ObjectRecord *held = values->is_worded ? NULL : &values->held;
    if (!is_written && contents_put(&values->contents, &engine->group, queued.number, content, held) < 0) {
        return -1;
    }
    if (is_known) {
        /* The next event that may look deeper has to, as if the contents were new. */
        known->is_shallow = values->is_shallow && values->refers;
        known->content = known->is_shallow ? hash ^ SHALLOW : hash;
        known->digest = told;
    }
    if (!values->refers || queued.depth >= queued.room) {
        return 0;
    }
    /* Its contents may be new even if an object with that number is known, because another object may
       have had this address. */
    queue_cut(values, waiting);
    if (is_known) {
        known->depth = queued.room;
    }
    values->room = queued.room - 1;
    int is_queued = has_digest(engine, plan, &queued, queued.room - 1, told);
    if (is_queued != 0) {
        return is_queued < 0 ? -1 : 0;
    }
    return object_content(engine, plan, queued.object, queued.number, queued.room - 1, 1);
}

int
write_objects(Engine *engine, Plan *plan)
{
    Values *values = &engine->values;
    int outcome = 0;
    for (size_t at = 0; outcome == 0 && at < values->queue_used; at++) {
        const Queued *queued = &values->queue[at];
        Known *known = known_find(values, queued->object);
        if (known->object == queued->object && known->number == queued->number
            && is_done(values, known, queued->depth, queued->levels)) {
            continue;
        }
        if (at < (size_t)values->objects) {
            outcome = write_object(engine, plan, *queued, known);
        }
        else {
            values->was_cut = 1;
            outcome = write_unseen(engine, values->queue[at].object);
        }
    }
    if (outcome < 0) {
        values->doubted = values->event + 1;
    }
    values_end_event(values);
    return outcome;
}

