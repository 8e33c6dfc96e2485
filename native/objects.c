/* Objects, which have an identity and may change: which are known, and what of them is written. */
#include "engine.h"


static Known *
known_find(Values *values, const void *object)
{
    size_t mask = values->known_size - 1;
    size_t at = address_hash(object) & mask;
    while (values->known[at].object != NULL && values->known[at].object != object) {
        at = (at + 1) & mask;
    }
    return &values->known[at];
}

static int
known_make_room(Values *values)
{
    if (values->known_used >= MAX_KNOWN) {
        memset(values->known, 0, values->known_size * sizeof(Known));
        values->known_used = 0;
    }
    if (values->known_used * 2 < values->known_size) {
        return 0;
    }
    Known *old = values->known;
    size_t old_size = values->known_size;
    size_t size = old_size ? old_size * 2 : 1024;
    Known *known = PyMem_Calloc(size, sizeof(Known));
    if (known == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    values->known = known;
    values->known_size = size;
    for (size_t from = 0; from < old_size; from++) {
        if (old[from].object != NULL) {
            *known_find(values, old[from].object) = old[from];
        }
    }
    PyMem_Free(old);
    return 0;
}

static int
write_unseen(Engine *engine, PyObject *object)
{
    Known *before = known_find(&engine->values, object);
    if (before->object == NULL || before->content != 0) {
        return 0;
    }
    /* The table may move while Python code runs. */
    Layout *layout = layout_of(engine, Py_TYPE(object));
    if (layout == NULL) {
        return -1;
    }
    Known *known = known_find(&engine->values, object);
    if (known->object == NULL || known->content != 0) {
        return 0;
    }
    Buffer *group = &engine->group;
    size_t start = group->used;
    Several nothing = {0, NULL, 0};
    if (put_object(group, known->number, FORM_UNSEEN, layout->number, 0, nothing, 0, nothing) < 0) {
        return -1;
    }
    known->content = hash_bytes(group->bytes + start, group->used - start);
    return 0;
}

static int
queue_object(Values *values, PyObject *object, uint32_t number, int depth, int room)
{
    if (values->queue_used == values->queue_size) {
        size_t size = values->queue_size ? values->queue_size * 2 : 64;
        Queued *queue = PyMem_Realloc(values->queue, size * sizeof(Queued));
        if (queue == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        values->queue = queue;
        values->queue_size = size;
    }
    Queued *queued = &values->queue[values->queue_used++];
    queued->object = Py_NewRef(object);
    queued->number = number;
    queued->depth = depth;
    queued->room = room;
    return 0;
}

int
encode_reference(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    Values *values = &engine->values;
    int room = values->room - nesting;
    values->refers = 1;
    Known *known = values->known_size ? known_find(values, value) : NULL;
    if (known == NULL || known->object == NULL || known->kind != (void *)Py_TYPE(value)) {
        int replaces = known != NULL && known->object != NULL;
        if (!replaces || values->known_used >= MAX_KNOWN) {
            if (known_make_room(values) < 0) {
                return -1;
            }
            known = known_find(values, value);
            values->known_used += known->object == NULL;
        }
        memset(known, 0, sizeof(*known));
        known->object = value;
        known->kind = Py_TYPE(value);
        known->number = values->next_object++;
    }
    uint32_t number = known->number;
    if (depth > 0) {
        if ((known->event != values->event || known->depth < depth)
            && queue_object(values, value, number, depth, room) < 0) {
            return -1;
        }
    }
    else if (room <= 0 && known->content == 0 && write_unseen(engine, value) < 0) {
        return -1;
    }
    return put_value_reference(to, number);
}

static int
put_held(Engine *engine, Plan *plan, PyObject *object, Layout *layout, uint32_t number, int depth,
         const Words *words)
{
    Values *values = &engine->values;
    Buffer *to = &values->content;
    to->used = values->items_held.used = values->fields.used = 0;
    Items items = {&values->items_held, 0, 0};
    Fields fields = {plan, depth, 0, 0};
    if (object_items(engine, plan, &items, object, layout, depth) < 0
        || object_attributes(engine, &fields, object, layout) < 0) {
        return -1;
    }
    Several held = {(uint64_t)items.count, items.to->bytes, items.to->used};
    Several named = {(uint64_t)fields.count, values->fields.bytes, values->fields.used};
    if (!words->are_there) {
        return put_object(to, number, (uint64_t)layout->form, layout->number, (uint64_t)items.total,
                          held, (uint64_t)fields.cut, named);
    }
    /* Not before: an attribute may have told of a secret that is in them. */
    Buffer said = {0};
    int outcome = words_put(engine, &said, words);
    if (outcome == 0) {
        outcome = put_worded(to, number, (uint64_t)layout->form, layout->number,
                             (uint64_t)items.total, held, (uint64_t)fields.cut, named,
                             (uint64_t)words->failed, (Bytes){said.bytes, said.used});
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
    engine->values.spare = NESTED * (Py_ssize_t)engine->values.items;
    int outcome = put_held(engine, plan, object, layout, number, depth, &words);
    engine->values.within = 0;
    words_end(&words);
    return outcome;
}

/* Puts the record of what an object holds into `values->content`; `again`, without words: it was
   written just now. */
static int
object_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth, int again)
{
    /* Its layout is there as long as its type is. Another thread may give the object another type
       where Python code is called. */
    PyObject *type = Py_NewRef((PyObject *)Py_TYPE(object));
    int outcome = put_content(engine, plan, object, number, depth, again);
    Py_DECREF(type);
    return outcome;
}

static int
write_object(Engine *engine, Plan *plan, Queued queued)
{
    Values *values = &engine->values;
    Known *known = known_find(values, queued.object);
    int is_known = known->object == queued.object && known->number == queued.number;
    if (is_known) {
        if (known->event == values->event && known->depth >= queued.depth) {
            return 0;
        }
        known->event = values->event;
        known->depth = queued.depth;
    }
    size_t waiting = values->queue_used;
    values->refers = 0;
    values->room = queued.room - 1;
    if (object_content(engine, plan, queued.object, queued.number, queued.depth - 1, 0) < 0) {
        return -1;
    }
    Buffer *content = &values->content;
    uint64_t hash = hash_bytes(content->bytes, content->used);
    known = known_find(values, queued.object);
    is_known = known->object == queued.object && known->number == queued.number;
    if (is_known && known->content == hash) {
        return 0;
    }
    if (put_bytes(&engine->group, content->bytes, content->used) < 0) {
        return -1;
    }
    if (is_known) {
        known->content = hash;
    }
    if (!values->refers || queued.depth >= queued.room) {
        return 0;
    }
    /* What is in it now may be new, even where an object of that number is known: the address may
       have been another's. */
    while (values->queue_used > waiting) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
    if (is_known) {
        known->depth = queued.room;
    }
    values->room = queued.room - 1;
    return object_content(engine, plan, queued.object, queued.number, queued.room - 1, 1);
}

int
values_write(Engine *engine, Plan *plan)
{
    Values *values = &engine->values;
    int looked = 0;
    int outcome = 0;
    for (size_t at = 0; outcome == 0 && at < values->queue_used; at++) {
        if (looked++ < values->objects) {
            outcome = write_object(engine, plan, values->queue[at]);
        }
        else {
            outcome = write_unseen(engine, values->queue[at].object);
        }
    }
    values_give_up(values);
    return outcome;
}

void
values_give_up(Values *values)
{
    while (values->queue_used > 0) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
    values->event++;
    values->room = values->depth;
}

int
values_init(Values *values)
{
    values->event = 1;
    values->room = values->depth;
    values->attributes = PyDict_New();
    return values->attributes == NULL ? -1 : known_make_room(values);
}

void
values_forget(Values *values)
{
    values_give_up(values);
    if (values->known != NULL) {
        memset(values->known, 0, values->known_size * sizeof(Known));
    }
    values->known_used = 0;
    values->next_object = values->next_type = values->next_attribute = 0;
    values->sweep_at = 0;
    for (size_t at = 0; at < values->layouts.size; at++) {
        if (values->layouts.slots[at].value != NULL) {
            layout_free(values->layouts.slots[at].value);
        }
    }
    table_free(&values->layouts);
    if (values->attributes != NULL) {
        PyDict_Clear(values->attributes);
    }
}

void
values_clear(Values *values)
{
    values_forget(values);
    PyMem_Free(values->known);
    values->known = NULL;
    values->known_size = 0;
    PyMem_Free(values->queue);
    values->queue = NULL;
    buffer_free(&values->content);
    buffer_free(&values->fields);
    buffer_free(&values->items_held);
    Py_CLEAR(values->attributes);
    Py_CLEAR(values->layout_of);
    Py_CLEAR(values->say);
}
