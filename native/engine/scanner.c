#include "scanner.h"

#include <limits.h>
#include <string.h>

#include "facts.h"
#include "names.h"

#define LONGEST_PATH 3 /* as in scanner.py */
#define MOST_STEPS 5   /* as in scanner.py */
#define STAR 2         /* as in scanner.py */
#define LARGEST_SMALL_INT 256 /* the largest int that CPython keeps */

/* What is known of a value on the stack; NULL: nothing. */
typedef enum {
    ENTRY_PLACE,    /* `way`: it is at a place */
    ENTRY_ITEM,     /* `way`, `key`, `line`: an item of the object at a place; the key or NULL */
    ENTRY_WITHIN,   /* `way` or NULL, `line`: a variable of the line leads to it */
    ENTRY_FRESH,    /* `name` or NULL: the line has made it; a function's name */
    ENTRY_NULL,     /* it is no value */
    ENTRY_METHOD,   /* `name`, `owner`, `is_super`: it is a method of the value */
    ENTRY_PLAIN,    /* `type`, `name` or NULL: a constant, and its value */
    ENTRY_ITERATOR, /* `sources`, `count`: it iterates over the values */
    ENTRY_RETURNED, /* `count`, `line`: that call of a line has returned it */
    ENTRY_CALLABLE, /* `type`: it is a type of CPython's */
} Tag;

typedef struct Entry {
    Tag tag;
    int is_super;
    int count;
    const Way *way;
    const Key *key;
    LineFacts *line;
    PyObject *name;
    PyObject *type;
    const struct Entry *owner;
    const struct Entry **sources;
} Entry;

static const Entry null_entry = {.tag = ENTRY_NULL};
static const Entry fresh_entry = {.tag = ENTRY_FRESH};
static const Entry within_entry = {.tag = ENTRY_WITHIN};

static const WayStep no_step;

/* Does something with the line, and with its part that a loop runs again. */
#define EACH(scanner, each) \
    for (LineFacts *each = (scanner)->line; each != NULL; \
         each = each == (scanner)->line ? (scanner)->again : NULL)

/* Returns an entry; NULL, as of a value of which nothing is known, if memory is short. */
static const Entry *
entry_new(Scanner *scanner, Entry content)
{
    Entry *entry = arena_get(scanner->arena, sizeof(Entry));
    if (entry != NULL) {
        *entry = content;
    }
    return entry;
}

static int
has_tag(const Entry *entry, Tag tag)
{
    return entry != NULL && entry->tag == tag;
}

static int
is_led_to(const Entry *entry)
{
    return has_tag(entry, ENTRY_PLACE) || has_tag(entry, ENTRY_ITEM) || has_tag(entry, ENTRY_WITHIN);
}

static int
entry_equal(const Entry *one, const Entry *other)
{
    if (one == other) {
        return 1;
    }
    if (one == NULL || other == NULL || one->tag != other->tag || one->is_super != other->is_super
        || one->count != other->count || one->line != other->line || one->type != other->type
        || (one->way == NULL) != (other->way == NULL)
        || (one->way != NULL && !way_equal(one->way, other->way))
        || !key_equal(one->key, other->key) || !entry_equal(one->owner, other->owner)) {
        return 0;
    }
    if (one->name != other->name
        && (one->name == NULL || other->name == NULL
            || PyObject_RichCompareBool(one->name, other->name, Py_EQ) != 1)) {
        return 0;
    }
    for (int at = 0; one->sources != NULL && at < one->count; at++) {
        if (!entry_equal(one->sources[at], other->sources[at])) {
            return 0;
        }
    }
    return 1;
}

static LineFacts *
line_of_entry(const Entry *entry)
{
    return has_tag(entry, ENTRY_ITEM) || has_tag(entry, ENTRY_WITHIN) ? entry->line : NULL;
}

static const Way *
way_of_entry(Scanner *scanner, const Entry *entry)
{
    if (!is_led_to(entry)) {
        return NULL;
    }
    if (entry->tag != ENTRY_ITEM) {
        return entry->way;
    }
    const Way *way = entry->way;
    return entry->key == NULL
               ? NULL
               : way_new(scanner->arena, way->name, way->is_global, way, (WayStep){NULL, entry->key});
}

/* Returns what is known of a part of a value, which is no place. */
static const Entry *
further(Scanner *scanner, const Entry *entry, WayStep step, LineFacts *line)
{
    if (!is_led_to(entry)) {
        return NULL;
    }
    const Way *way = way_of_entry(scanner, entry);
    if (way == NULL || (step.name == NULL && step.key == NULL) || way->length >= MOST_STEPS) {
        return &within_entry;
    }
    way = way_new(scanner->arena, way->name, way->is_global, way, step);
    return way == NULL ? NULL
                       : entry_new(scanner, (Entry){.tag = ENTRY_WITHIN,
                                                    .way = way,
                                                    .line = line == NULL ? line_of_entry(entry)
                                                                         : line});
}

/* Returns what is known of an attribute of a value. */
static const Entry *
extended(Scanner *scanner, const Entry *entry, PyObject *name)
{
    if (has_tag(entry, ENTRY_PLACE) && entry->way->length < LONGEST_PATH) {
        const Way *way = way_new(scanner->arena, entry->way->name, entry->way->is_global, entry->way,
                                 (WayStep){name, NULL});
        return way == NULL ? NULL : entry_new(scanner, (Entry){.tag = ENTRY_PLACE, .way = way});
    }
    return further(scanner, entry, (WayStep){name, NULL}, NULL);
}

static int
leads_from(const Entry *entry, PyObject *name, int is_global)
{
    if (has_tag(entry, ENTRY_METHOD)) {
        return leads_from(entry->owner, name, is_global);
    }
    if (has_tag(entry, ENTRY_ITERATOR)) {
        for (int at = 0; at < entry->count; at++) {
            if (leads_from(entry->sources[at], name, is_global)) {
                return 1;
            }
        }
        return 0;
    }
    if (!is_led_to(entry) || entry->way == NULL) {
        return 0;
    }
    const Key *key = entry->key;
    return way_leads(entry->way, name, is_global)
           || (key != NULL && key->way != NULL && way_leads(key->way, name, is_global));
}

/* ---- the stack */

static void tell(Scanner *scanner);

static void
lower(Scanner *scanner, int height)
{
    if (height < scanner->lowest) {
        scanner->lowest = height;
    }
    if (height < scanner->foreign) {
        scanner->foreign = height;
        tell(scanner);
    }
}

static const Entry *
pop(Scanner *scanner)
{
    const Entry *found = scanner->height > 0 ? scanner->stack[--scanner->height] : NULL;
    lower(scanner, scanner->height);
    return found;
}

/* Removes the top values, as far as there are any. */
static void
drop(Scanner *scanner, int count)
{
    scanner->height = scanner->height > count ? scanner->height - count : 0;
    if (count > 0) {
        lower(scanner, scanner->height);
    }
}

/* Returns one of the top `count` values, of which 0 is the lowest; NULL also where the stack does not
   reach. */
static const Entry *
taken(const Scanner *scanner, int count, int at)
{
    int place = scanner->height - count + at;
    return place < 0 ? NULL : scanner->stack[place];
}

static void
push(Scanner *scanner, const Entry *entry)
{
    if (scanner->height == scanner->room) {
        int room = scanner->room == 0 ? 64 : scanner->room * 2;
        const Entry **moved = PyMem_Realloc(scanner->stack, (size_t)room * sizeof(*moved));
        if (moved == NULL) {
            scanner->arena->failed = 1;
            return;
        }
        scanner->stack = moved;
        scanner->room = room;
    }
    scanner->stack[scanner->height++] = entry;
}

static void
push_unknown(Scanner *scanner, int count)
{
    while (count-- > 0 && !scanner->arena->failed) {
        push(scanner, NULL);
    }
}

/* Sets by how many values an instruction makes the stack higher. Returns -1 with an exception. */
static int
change_of(const Scanner *scanner, int opcode, int argument, int jumps, int *change)
{
    *change = scanner->instructions->stack_effect(opcode, argument, jumps);
    if (*change == INT_MAX) {
        PyErr_Format(PyExc_ValueError, "invalid opcode %d or oparg", opcode);
        return -1;
    }
    return 0;
}

static int
made_by(const LineFacts *line)
{
    return line->births + line->calls.count;
}

static int
have_stacks(const Scanner *scanner)
{
    for (int at = 0; at < scanner->jump_count; at++) {
        if (scanner->jumps[at].height > 0) {
            return 1;
        }
    }
    return 0;
}

/* Turns to another line, which may take what the one before leaves on the stack. */
static void
turn_to(Scanner *scanner, LineFacts *line, LineFacts *again)
{
    LineFacts *before = scanner->line;
    scanner->line = line;
    scanner->again = again;
    if (before == line) {
        return;
    }
    if (scanner->height == 0 && !have_stacks(scanner)) {
        scanner->made = 0;
        scanner->hides = 0;
        scanner->told_in++;
    }
    else if (before != NULL) {
        if (scanner->height > scanner->lowest) {
            scanner->foreign = scanner->height;
        }
        scanner->made += made_by(before) - scanner->earlier;
        scanner->hides |= before->hides;
    }
    scanner->lowest = scanner->height;
    scanner->earlier = made_by(line);
}

/* Adds what other lines may have made to what the line may have made. */
static void
tell(Scanner *scanner)
{
    int own = made_by(scanner->line) - scanner->earlier;
    EACH(scanner, line) {
        if (line->told_in != scanner->told_in) {
            line->told_in = scanner->told_in;
            line->told = 0;
        }
        line->births += scanner->made - line->told;
        line->told = scanner->made;
        line->hides |= scanner->hides;
    }
    scanner->earlier = made_by(scanner->line) - own;
}

/* Follows an instruction of which only the effect on the stack's height is known. */
static int
settle(Scanner *scanner, int opcode, int argument)
{
    int change;
    if (change_of(scanner, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    drop(scanner, change < 0 ? -change : 0);
    for (int at = scanner->height > 2 ? scanner->height - 2 : 0; at < scanner->height; at++) {
        scanner->stack[at] = NULL;
    }
    push_unknown(scanner, change);
    return 0;
}

/* Sets `one` to what two stacks have in common, from the top. Returns its height. */
static int
common(const Entry **one, int height, const Entry **other, int other_height)
{
    int count = height < other_height ? height : other_height;
    for (int at = 0; at < count; at++) {
        const Entry *mine = one[height - count + at];
        one[at] = entry_equal(mine, other[other_height - count + at]) ? mine : NULL;
    }
    return count;
}

static void
arrive(Scanner *scanner, int offset)
{
    Jumped *jumped = NULL;
    for (int at = 0; at < scanner->jump_count && jumped == NULL; at++) {
        jumped = scanner->jumps[at].target == offset ? &scanner->jumps[at] : NULL;
    }
    if (jumped == NULL) {
        if (scanner->is_cut_off) {
            scanner->height = 0;
        }
    }
    else {
        if (scanner->is_cut_off) {
            scanner->height = 0;
            for (int at = 0; at < jumped->height; at++) {
                push(scanner, jumped->stack[at]);
            }
        }
        else {
            scanner->height =
                common(scanner->stack, scanner->height, jumped->stack, jumped->height);
        }
        int foreign = jumped->line != scanner->line ? jumped->height : jumped->foreign;
        if (foreign > scanner->foreign) {
            scanner->foreign = foreign;
        }
        *jumped = scanner->jumps[--scanner->jump_count];
    }
    scanner->is_cut_off = 0;
}

/* Keeps what is known for the target of a jump, at which the stack is higher by `change`. */
static void
jump(Scanner *scanner, int target, int change)
{
    int kept = scanner->height;
    if (change < 0) {
        /* As a slice of a list: from the end if the height is less than that. */
        kept += change;
        if (kept < 0) {
            kept = kept + scanner->height > 0 ? kept + scanner->height : 0;
        }
    }
    int height = kept + (change > 0 ? change : 0);
    const Entry **stack = arena_get(scanner->arena, (size_t)(height + 1) * sizeof(*stack));
    if (stack == NULL) {
        return;
    }
    if (kept > 0) {
        memcpy(stack, scanner->stack, (size_t)kept * sizeof(*stack));
    }
    for (int at = 0; at < scanner->jump_count; at++) {
        Jumped *known = &scanner->jumps[at];
        if (known->target == target) {
            known->height = common(known->stack, known->height, stack, height);
            known->line = known->line == scanner->line ? known->line : NULL;
            known->foreign = known->foreign > scanner->foreign ? known->foreign : scanner->foreign;
            return;
        }
    }
    if (scanner->jump_count == scanner->jump_room) {
        int room = scanner->jump_room == 0 ? 16 : scanner->jump_room * 2;
        Jumped *moved = PyMem_Realloc(scanner->jumps, (size_t)room * sizeof(*moved));
        if (moved == NULL) {
            scanner->arena->failed = 1;
            return;
        }
        scanner->jumps = moved;
        scanner->jump_room = room;
    }
    scanner->jumps[scanner->jump_count++] =
        (Jumped){target, height, scanner->foreign, scanner->line, stack};
}

/* ---- calls */

static const Way *
place_of(Scanner *scanner, const Entry *entry)
{
    LineFacts *line = line_of_entry(entry);
    return line == NULL || line == scanner->line ? way_of_entry(scanner, entry) : NULL;
}

static const Key *
key_of(Scanner *scanner, const Entry *entry)
{
    Key *key;
    if (has_tag(entry, ENTRY_PLAIN) && entry->name != NULL) {
        if (entry->type == (PyObject *)Py_TYPE(scanner->code)) {
            return NULL;
        }
        key = arena_get(scanner->arena, sizeof(Key));
        if (key != NULL) {
            *key = (Key){entry->type, entry->name, NULL};
        }
        return key;
    }
    const Way *way = place_of(scanner, entry);
    key = way == NULL ? NULL : arena_get(scanner->arena, sizeof(Key));
    if (key != NULL) {
        *key = (Key){NULL, NULL, way};
    }
    return key;
}

/* Fills a call of what is known of a callable. */
static void
fill_call(Scanner *scanner, Call *call, const Entry *callee, const LineFacts *line)
{
    const Instructions *instructions = scanner->instructions;
    *call = (Call){.name = instructions->nothing,
                   .before = -1,
                   .is_late = line->targets.count > 0 || line->is_wide,
                   .start = scanner->start};
    if (has_tag(callee, ENTRY_CALLABLE)) {
        call->name = instructions->new;
        call->constant = callee->type;
        call->is_method = 1;
    }
    else if (has_tag(callee, ENTRY_METHOD)) {
        const Entry *owner = callee->owner;
        call->name = callee->name;
        call->is_method = 1;
        call->way = place_of(scanner, owner);
        if (call->way != NULL) {
            call->is_super = callee->is_super;
        }
        else {
            call->constant = has_tag(owner, ENTRY_PLAIN) ? owner->type : NULL;
            call->before = has_tag(owner, ENTRY_RETURNED) && owner->line == line ? owner->count : -1;
        }
    }
    else if (has_tag(callee, ENTRY_FRESH) && callee->name != NULL) {
        /* It tells of its changes when it runs, if it is recorded. */
        call->name = callee->name;
    }
    else {
        call->way = place_of(scanner, callee);
        if (call->way != NULL) {
            int length = call->way->length;
            PyObject *last = length > 0 ? call->way->steps[length - 1].name : call->way->name;
            call->name = last == NULL ? instructions->nothing : last;
        }
    }
}

static void
add_call_to(Scanner *scanner, LineFacts *line, const Entry *callee)
{
    Call call;
    fill_call(scanner, &call, callee, line);
    Call *more = calls_more(scanner->arena, &line->calls);
    if (more != NULL) {
        *more = call;
    }
}

static void
add_call(Scanner *scanner, const Entry *callee)
{
    EACH(scanner, line) {
        add_call_to(scanner, line, callee);
    }
}

/* ---- what the instructions mean */

/* Adds a call that may change anything, if a line no longer leads to an object that it stored into. */
static void
lose_if(Scanner *scanner, LineFacts *line, int is_lost)
{
    if (is_lost) {
        add_call_to(scanner, line, NULL);
    }
}

/* Notes that a line binds a variable, which may have led to what it has changed. */
static void
rebinds(Scanner *scanner, LineFacts *line, PyObject *name, int is_global)
{
    for (int at = 0; at < line->calls.count; at++) {
        Call *call = &line->calls.items[at];
        call->is_rebound |= call->way != NULL && way_leads(call->way, name, is_global);
    }
    int is_own = 0;
    int is_lost = 0;
    for (int at = 0; at < line->targets.count; at++) {
        TargetFact *target = &line->targets.items[at];
        const Way *way = target->way;
        if (target->key != NULL && target->key->way != NULL
            && way_leads(target->key->way, name, is_global)) {
            target->key = NULL;
        }
        if (target->is_in_place && way->name == name && way->is_global == is_global
            && way->length == 0) {
            target->is_in_place = 0;
            is_own = 1;
        }
        else {
            is_lost |= way_leads(way, name, is_global);
        }
    }
    if (!is_own) {
        ways_add(scanner->arena, &line->rebinds,
                 way_new(scanner->arena, name, is_global, NULL, no_step));
    }
    lose_if(scanner, line, is_lost);
}

/* Notes that the line names a variable. Returns what is known of its value. */
static const Entry *
variable(Scanner *scanner, PyObject *name, int is_global, int binds)
{
    if ((PyUnicode_GetLength(name) > 0 && PyUnicode_ReadChar(name, 0) == '.')
        || PySet_Contains(scanner->instructions->not_variables, name) == 1) {
        return NULL;
    }
    EACH(scanner, line) {
        names_add(scanner->arena, is_global ? &line->globals : &line->locals, name, binds);
        if (binds) {
            rebinds(scanner, line, name, is_global);
        }
    }
    for (int at = 0; binds && at < scanner->height; at++) {
        const Entry *entry = scanner->stack[at];
        if (entry != NULL && leads_from(entry, name, is_global)) {
            /* It was read before. */
            scanner->stack[at] =
                entry->tag == ENTRY_METHOD
                    ? entry_new(scanner, (Entry){.tag = ENTRY_METHOD, .name = entry->name})
                    : NULL;
        }
    }
    const Way *way = way_new(scanner->arena, name, is_global, NULL, no_step);
    return way == NULL ? NULL : entry_new(scanner, (Entry){.tag = ENTRY_PLACE, .way = way});
}

/* Returns the name of a slot, borrowed from the code object; NULL with an exception. */
static PyObject *
slot_name(Scanner *scanner, int slot)
{
    if (slot < scanner->slot_count && scanner->slots[slot] != NULL) {
        return scanner->slots[slot];
    }
    PyObject *number = PyLong_FromLong(slot);
    PyObject *found =
        number == NULL ? NULL
                       : PyObject_CallMethodObjArgs(scanner->code, scanner->instructions->slot_name,
                                                    number, NULL);
    Py_XDECREF(number);
    if (found == NULL) {
        return NULL;
    }
    /* The code object keeps it. */
    Py_DECREF(found);
    if (slot >= scanner->slot_count) {
        PyObject **moved =
            PyMem_Realloc(scanner->slots, (size_t)(slot + 16) * sizeof(*scanner->slots));
        if (moved == NULL) {
            return PyErr_NoMemory();
        }
        memset(moved + scanner->slot_count, 0,
               (size_t)(slot + 16 - scanner->slot_count) * sizeof(*moved));
        scanner->slots = moved;
        scanner->slot_count = slot + 16;
    }
    scanner->slots[slot] = found;
    return found;
}

static int
follow_fast(Scanner *scanner, int opcode, int argument)
{
    const unsigned char *does = scanner->instructions->does[opcode];
    for (int at = 0; at < 2 && does[at]; at++) {
        int slot = !does[1] ? argument : at == 0 ? argument >> 4 : argument & 15;
        PyObject *name = slot_name(scanner, slot);
        if (name == NULL) {
            return -1;
        }
        if (does[at] == 'S') {
            pop(scanner);
        }
        const Entry *entry = variable(scanner, name, 0, does[at] != 'L');
        if (does[at] == 'L') {
            push(scanner, entry);
        }
    }
    return 0;
}

static int
follow_named(Scanner *scanner, int kind, int opcode, int argument)
{
    int does = scanner->instructions->does[opcode][0];
    int is_global = kind == KIND_GLOBAL || (kind == KIND_NAME && scanner->at_module);
    PyObject *name = kind == KIND_DEREF ? slot_name(scanner, argument)
                                        : PyTuple_GetItem(scanner->names, argument);
    if (name == NULL) {
        return -1;
    }
    if (does == 'S') {
        pop(scanner);
    }
    const Entry *entry = variable(scanner, name, is_global, does != 'L');
    if (!is_global && kind == KIND_NAME) {
        /* In a class body, it is a global variable unless the body binds it. */
        variable(scanner, name, 1, 0);
        entry = NULL;
    }
    if (does == 'L') {
        int change;
        if (change_of(scanner, opcode, argument, 0, &change) < 0) {
            return -1;
        }
        drop(scanner, 1 - change);
        push(scanner, entry);
    }
    return 0;
}

/* Pushes what is known of a constant. */
static int
follow_constant(Scanner *scanner, int opcode, int argument)
{
    const Instructions *instructions = scanner->instructions;
    PyObject *value;
    if (opcode == instructions->load_constant) {
        value = PyTuple_GetItem(scanner->constants, argument);
    }
    else if (opcode == instructions->load_common_constant) {
        value = argument < MOST_OPERANDS ? instructions->common[argument] : NULL;
    }
    else if (argument <= LARGEST_SMALL_INT) {
        /* It is cached: the reference is the interpreter's. */
        value = PyLong_FromLong(argument);
        Py_XDECREF(value);
    }
    else {
        value = NULL;
    }
    if (value == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_IndexError, "no constant %d", argument);
        }
        return -1;
    }
    PyTypeObject *type = Py_TYPE(value);
    Entry entry = {.tag = ENTRY_PLAIN, .type = (PyObject *)type};
    if (value == PyExc_AssertionError || value == PyExc_NotImplementedError) {
        entry = (Entry){.tag = ENTRY_CALLABLE, .type = value};
    }
    else if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyBool_Type
             || value == Py_None) {
        entry.name = value;
    }
    else if (type == Py_TYPE(scanner->code)) {
        entry.name = PyObject_GetAttr(value, instructions->code_name);
        if (entry.name == NULL) {
            return -1;
        }
        Py_DECREF(entry.name);
    }
    else if (type == &PyType_Type || type == &PyCFunction_Type) {
        push(scanner, NULL);
        return 0;
    }
    else if (type == &PyTuple_Type) {
        scanner->names_given = value;
    }
    push(scanner, entry_new(scanner, entry));
    return 0;
}

static void
hide(Scanner *scanner)
{
    EACH(scanner, line) {
        line->hides = 1;
    }
}

static void
bear(Scanner *scanner)
{
    EACH(scanner, line) {
        line->births++;
    }
}

static void
reach(Scanner *scanner)
{
    EACH(scanner, line) {
        line->reach++;
    }
}

/* Notes that a line takes an attribute. */
static void
takes(Scanner *scanner, const Entry *entry, const Entry *attribute)
{
    if (has_tag(entry, ENTRY_PLACE) && has_tag(attribute, ENTRY_PLACE)) {
        EACH(scanner, line) {
            ways_add(scanner->arena, &line->attributes, attribute->way);
        }
        return;
    }
    hide(scanner);
}

/* Notes that a line takes items of a value. */
static void
takes_item(Scanner *scanner, const Entry *entry)
{
    if (has_tag(entry, ENTRY_PLACE)) {
        EACH(scanner, line) {
            ways_add(scanner->arena, &line->containers, entry->way);
        }
    }
    else if (has_tag(entry, ENTRY_FRESH)) {
        /* The part that a loop runs again takes what the line has made before. */
        if (scanner->again != NULL) {
            scanner->again->hides = 1;
        }
    }
    else if (!has_tag(entry, ENTRY_ITEM) && !has_tag(entry, ENTRY_PLAIN)) {
        hide(scanner);
    }
}

/* Notes that a line takes an item, and pushes what is known of that. */
static void
item(Scanner *scanner, const Entry *entry, const Entry *key)
{
    takes_item(scanner, entry);
    const Key *step = key_of(scanner, key);
    push(scanner, has_tag(entry, ENTRY_PLACE)
                      ? entry_new(scanner, (Entry){.tag = ENTRY_ITEM,
                                                   .way = entry->way,
                                                   .key = step,
                                                   .line = scanner->line})
                      : further(scanner, entry, (WayStep){NULL, step}, scanner->line));
    reach(scanner);
}

static TargetFact *
target_of(const LineFacts *line, const Way *way, const PyObject *method)
{
    for (int at = 0; at < line->targets.count; at++) {
        TargetFact *target = &line->targets.items[at];
        if (target->method == method && way_equal(target->way, way)) {
            return target;
        }
    }
    return NULL;
}

/* Notes that a line changes an object by a special method. */
static void
stores(Scanner *scanner, const Entry *entry, PyObject *method)
{
    EACH(scanner, line) {
        if (line->stores_at < 0) {
            line->stores_at = scanner->start;
            line->stores_item = method == scanner->instructions->setitem;
        }
    }
    if (has_tag(entry, ENTRY_PLACE) || has_tag(entry, ENTRY_ITEM)) {
        int levels = entry->tag == ENTRY_PLACE ? 1 : 2;
        const Key *key = levels == 2 && entry->line == scanner->line ? entry->key : NULL;
        if (key != NULL && key->way != NULL && key->way->length > 0) {
            /* Whoever changes an attribute or an item changes the key. */
            key = NULL;
        }
        EACH(scanner, line) {
            TargetFact *target = target_of(line, entry->way, method);
            if (target == NULL) {
                target = targets_more(scanner->arena, &line->targets);
                if (target != NULL) {
                    *target = (TargetFact){entry->way, method, key, levels, 0};
                }
            }
            else {
                target->levels = levels > target->levels ? levels : target->levels;
                target->key = key_equal(target->key, key) ? target->key : NULL;
            }
        }
    }
    else if (has_tag(entry, ENTRY_WITHIN)) {
        EACH(scanner, line) {
            line->is_wide = 1;
        }
    }
    else if (!has_tag(entry, ENTRY_FRESH)) {
        add_call(scanner, NULL);
    }
}

/* Notes that a line iterates over a value, which may be an iterator. */
static void
iterates(Scanner *scanner, const Entry *entry)
{
    const Entry **values = has_tag(entry, ENTRY_ITERATOR) ? entry->sources : &entry;
    int count = has_tag(entry, ENTRY_ITERATOR) ? entry->count : 1;
    for (int at = 0; at < count; at++) {
        if (has_tag(values[at], ENTRY_PLACE)) {
            EACH(scanner, line) {
                ways_add(scanner->arena, &line->moves, values[at]->way);
            }
        }
    }
}

/* Returns an iterator over values, of which `from` may be one; NULL if memory is short. */
static const Entry *
iterator_over(Scanner *scanner, const Entry **values, int count)
{
    const Entry **sources = arena_get(scanner->arena, ((size_t)count + 1) * sizeof(*sources));
    if (sources == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(sources, values, (size_t)count * sizeof(*sources));
    }
    return entry_new(scanner,
                     (Entry){.tag = ENTRY_ITERATOR, .sources = sources, .count = count});
}

static int
follow_next(Scanner *scanner, int opcode, int argument, int following)
{
    int change;
    int when_it_jumps;
    if (change_of(scanner, opcode, argument, 0, &change) < 0
        || change_of(scanner, opcode, argument, 1, &when_it_jumps) < 0) {
        return -1;
    }
    /* The iterator of an outer loop is below; from 3.15 on, something is above. */
    const Entry *found = NULL;
    for (int at = 1; at <= 2 && found == NULL; at++) {
        const Entry *each = at <= scanner->height ? scanner->stack[scanner->height - at] : NULL;
        found = has_tag(each, ENTRY_ITERATOR) ? each : NULL;
    }
    jump(scanner, following + 2 * argument, when_it_jumps);
    const Entry *unknown = NULL;
    const Entry **sources = found == NULL ? &unknown : found->sources;
    int count = found == NULL ? 1 : found->count;
    for (int at = 0; at < count; at++) {
        iterates(scanner, sources[at]);
        takes_item(scanner, sources[at]);
        if (has_tag(sources[at], ENTRY_ITEM)) {
            /* It may be an iterator, which makes what it gives. */
            hide(scanner);
        }
    }
    const Entry *given = NULL;
    if (count == 1 && has_tag(sources[0], ENTRY_PLACE)) {
        given = entry_new(scanner, (Entry){.tag = ENTRY_ITEM, .way = sources[0]->way});
    }
    push_unknown(scanner, change - 1);
    push(scanner, given);
    return 0;
}

static int
in_set(PyObject *names, PyObject *name)
{
    return PySet_Contains(names, name) == 1;
}

/* Returns which of the keywords of the next call has the name "key"; -1 if none has it. */
static int
keyword_key(const Scanner *scanner)
{
    Py_ssize_t count = scanner->keywords == NULL ? 0 : PyTuple_Size(scanner->keywords);
    for (Py_ssize_t at = 0; at < count; at++) {
        if (PyTuple_GetItem(scanner->keywords, at) == scanner->instructions->key) {
            return (int)at;
        }
    }
    return -1;
}

/* Returns what is called as an attribute, as a method of what it is taken from. */
static const Entry *
as_method(Scanner *scanner, const Entry *place)
{
    const Way *way = place->way;
    if (way->length == 0) {
        return place;
    }
    Way *owner = (Way *)way_new(scanner->arena, way->name, way->is_global, way, no_step);
    if (owner == NULL) {
        return NULL;
    }
    owner->length--;
    return entry_new(scanner, (Entry){.tag = ENTRY_METHOD,
                                      .name = way->steps[way->length - 1].name,
                                      .owner = entry_new(scanner, (Entry){.tag = ENTRY_PLACE,
                                                                          .way = owner})});
}

/* Notes which arguments a call iterates over. Returns what is known of its result. */
static const Entry *
returned(Scanner *scanner, const Entry *callee, const Entry **given, int count)
{
    const Instructions *instructions = scanner->instructions;
    if (!has_tag(callee, ENTRY_PLACE) && !has_tag(callee, ENTRY_METHOD)) {
        return NULL;
    }
    PyObject *name = callee->tag == ENTRY_PLACE ? callee->way->name : callee->name;
    for (int at = 0; at < count && in_set(instructions->taking, name); at++) {
        iterates(scanner, given[at]);
    }
    if (callee->tag == ENTRY_METHOD && has_tag(callee->owner, ENTRY_PLACE)
        && in_set(instructions->views, name)) {
        return iterator_over(scanner, (const Entry **)&callee->owner, 1);
    }
    if (callee->tag == ENTRY_PLACE && callee->way->length == 0 && count > 0
        && in_set(instructions->passing, name)) {
        int total = 0;
        for (int at = 0; at < count; at++) {
            total += has_tag(given[at], ENTRY_ITERATOR) ? given[at]->count : 1;
        }
        const Entry **sources = arena_get(scanner->arena, (size_t)total * sizeof(*sources));
        if (sources == NULL) {
            return NULL;
        }
        total = 0;
        for (int at = 0; at < count; at++) {
            if (has_tag(given[at], ENTRY_ITERATOR)) {
                memcpy(sources + total, given[at]->sources,
                       (size_t)given[at]->count * sizeof(*sources));
                total += given[at]->count;
            }
            else {
                sources[total++] = given[at];
            }
        }
        for (int at = 0; at < total; at++) {
            takes_item(scanner, sources[at]);
        }
        return iterator_over(scanner, sources, total);
    }
    return entry_new(scanner, (Entry){.tag = ENTRY_RETURNED,
                                      .count = scanner->line->calls.count - 1,
                                      .line = scanner->line});
}

static int
follow_call(Scanner *scanner, int kind, int opcode, int argument)
{
    const Entry **given = NULL;
    int count = 0;
    if (kind == KIND_CALL_SPREAD) {
        int change;
        if (change_of(scanner, opcode, argument, 0, &change) < 0) {
            return -1;
        }
        drop(scanner, -1 - change);
    }
    else {
        if (kind == KIND_CALL_KEYWORDS) {
            pop(scanner);
            scanner->keywords = scanner->names_given;
        }
        count = argument;
        given = arena_get(scanner->arena, ((size_t)count + 1) * sizeof(*given));
        if (given == NULL) {
            return 0;
        }
        for (int at = 0; at < count; at++) {
            given[at] = taken(scanner, count, at);
        }
        drop(scanner, count);
    }
    const Entry *first = taken(scanner, 2, 0);
    const Entry *second = taken(scanner, 2, 1);
    drop(scanner, 2);
    const Entry *callee = has_tag(first, ENTRY_NULL) ? second : first;
    int key = keyword_key(scanner);
    if (key >= 0 && (has_tag(callee, ENTRY_PLACE) || has_tag(callee, ENTRY_METHOD))
        && in_set(scanner->instructions->keyed,
                  callee->tag == ENTRY_PLACE ? callee->way->name : callee->name)) {
        int at = count - (int)PyTuple_Size(scanner->keywords) + key;
        if (at >= 0 && at < count && has_tag(given[at], ENTRY_PLACE)) {
            add_call(scanner, as_method(scanner, given[at]));
        }
    }
    scanner->keywords = NULL;
    add_call(scanner, callee);
    push(scanner, returned(scanner, callee, given, count));
    return 0;
}

/* ---- instructions */

static int
is_mixing(int kind)
{
    return kind == KIND_LOAD_ATTRIBUTE || kind == KIND_LOAD_ITEM || kind == KIND_OPERATOR
           || kind == KIND_CONTAINS || kind == KIND_RESULT || kind == KIND_CALL
           || kind == KIND_CALL_KEYWORDS || kind == KIND_CALL_SPREAD || kind == KIND_NEXT;
}

static int
follow_attribute(Scanner *scanner, int argument)
{
    PyObject *name = PyTuple_GetItem(scanner->names, argument >> 1);
    if (name == NULL) {
        return -1;
    }
    const Entry *entry = pop(scanner);
    reach(scanner);
    if (argument & 1) {
        const Entry *method = entry_new(
            scanner, (Entry){.tag = ENTRY_METHOD, .name = name, .owner = entry});
        push(scanner, method);
        push(scanner, method);
    }
    else {
        const Entry *attribute = extended(scanner, entry, name);
        takes(scanner, entry, attribute);
        push(scanner, attribute);
    }
    if (name == scanner->instructions->name_dict) {
        /* Whoever changes the dict changes the object. */
        add_call(scanner, NULL);
    }
    return 0;
}

static int
follow_jump(Scanner *scanner, int kind, int opcode, int argument, int following)
{
    const Instructions *instructions = scanner->instructions;
    if (kind == KIND_JUMP_IF) {
        pop(scanner);
    }
    if (instructions->is_backward[opcode]) {
        int target = following - 2 * argument;
        int is_within = 0;
        for (int at = 0; at < scanner->part_count; at++) {
            is_within |= scanner->parts[at].start <= target && target < scanner->parts[at].end;
        }
        if (opcode != instructions->waiting) {
            EACH(scanner, line) {
                line->loops |= is_within || line->again != NULL;
            }
        }
    }
    else {
        jump(scanner, following + 2 * argument, 0);
    }
    scanner->is_cut_off = kind == KIND_JUMP;
    return 0;
}

static int
follow_store_attribute(Scanner *scanner, int kind, int argument)
{
    const Instructions *instructions = scanner->instructions;
    PyObject *name = PyTuple_GetItem(scanner->names, argument);
    if (name == NULL) {
        return -1;
    }
    const Entry *entry = pop(scanner);
    if (kind == KIND_STORE_ATTRIBUTE) {
        pop(scanner);
    }
    EACH(scanner, line) {
        int is_lost = 0;
        for (int at = 0; at < line->targets.count; at++) {
            TargetFact *target = &line->targets.items[at];
            const Way *way = target->way;
            if (target->is_in_place && way->length > 0
                && way->steps[way->length - 1].name == name) {
                target->is_in_place = 0;
                continue;
            }
            for (int step = 0; step < way->length; step++) {
                is_lost |= way->steps[step].name == name;
            }
        }
        lose_if(scanner, line, is_lost);
    }
    stores(scanner, entry,
           kind == KIND_STORE_ATTRIBUTE ? instructions->setattr : instructions->delattr);
    if (name == instructions->name_class) {
        /* For the log it is another object then. */
        add_call(scanner, NULL);
    }
    reach(scanner);
    return 0;
}

static int
follow_store_item(Scanner *scanner, int kind)
{
    const Instructions *instructions = scanner->instructions;
    int count = kind == KIND_STORE_ITEM ? 3 : kind == KIND_DELETE_ITEM ? 2 : 4;
    const Entry *entry = taken(scanner, count, kind == KIND_DELETE_ITEM ? 0 : 1);
    drop(scanner, count);
    EACH(scanner, line) {
        int is_lost = 0;
        for (int at = 0; at < line->targets.count; at++) {
            TargetFact *target = &line->targets.items[at];
            if (target->levels > 1) {
                is_lost |= !target->is_in_place;
                target->is_in_place = 0;
            }
        }
        lose_if(scanner, line, is_lost);
    }
    stores(scanner, entry, kind == KIND_DELETE_ITEM ? instructions->delitem : instructions->setitem);
    reach(scanner);
    return 0;
}

static int
follow_operator(Scanner *scanner, int argument)
{
    if (argument >= scanner->instructions->operator_count) {
        PyErr_Format(PyExc_IndexError, "no operator %d", argument);
        return -1;
    }
    PyObject *method = scanner->instructions->in_place[argument];
    const Entry *left = taken(scanner, 2, 0);
    const Entry *right = taken(scanner, 2, 1);
    drop(scanner, 2);
    /* The % of a text takes items. */
    iterates(scanner, right);
    if (method != NULL) {
        stores(scanner, left, method);
        EACH(scanner, line) {
            TargetFact *target = has_tag(left, ENTRY_PLACE) || has_tag(left, ENTRY_ITEM)
                                     ? target_of(line, left->way, method)
                                     : NULL;
            if (target != NULL) {
                target->is_in_place = 1;
            }
        }
    }
    hide(scanner);
    push(scanner, NULL);
    return 0;
}

/* Follows the instructions that only move values. Returns 0 if it is none, and -1 with an exception. */
static int
follow_moving(Scanner *scanner, int kind, int opcode, int argument)
{
    int height = scanner->height;
    if ((kind == KIND_COPY || kind == KIND_SWAP) && argument < 1) {
        PyErr_SetString(PyExc_IndexError, "a copy or swap with nothing on the stack");
        return -1;
    }
    if (kind == KIND_SET_FUNCTION) {
        const Entry *function = pop(scanner);
        if (scanner->height > 0) {
            scanner->height--;
        }
        push(scanner, function);
    }
    else if (kind == KIND_COPY) {
        if (height - argument < scanner->foreign) {
            tell(scanner);
        }
        push(scanner, argument <= height ? scanner->stack[height - argument] : NULL);
    }
    else if (kind == KIND_SWAP) {
        if (argument > height) {
            return settle(scanner, opcode, argument) < 0 ? -1 : 1;
        }
        const Entry *top = scanner->stack[height - 1];
        scanner->stack[height - 1] = scanner->stack[height - argument];
        scanner->stack[height - argument] = top;
    }
    else if (kind == KIND_PUSH_NULL) {
        push(scanner, &null_entry);
    }
    else {
        return 0;
    }
    return 1;
}

static int
follow_iterate(Scanner *scanner, int opcode, int argument)
{
    int change;
    const Entry *entry = pop(scanner);
    if (change_of(scanner, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    iterates(scanner, entry);
    push(scanner, has_tag(entry, ENTRY_ITERATOR) ? entry : iterator_over(scanner, &entry, 1));
    for (int at = 0; at < change; at++) {
        push(scanner, &null_entry);
    }
    return 0;
}

static int
follow_super(Scanner *scanner, int argument)
{
    PyObject *name = PyTuple_GetItem(scanner->names, argument >> 2);
    if (name == NULL) {
        return -1;
    }
    const Entry *instance = taken(scanner, 3, 2);
    drop(scanner, 3);
    reach(scanner);
    if (argument & 1) {
        const Entry *method = entry_new(scanner, (Entry){.tag = ENTRY_METHOD,
                                                         .name = name,
                                                         .owner = instance,
                                                         .is_super = 1});
        push(scanner, method);
        push(scanner, method);
    }
    else {
        push(scanner, NULL);
    }
    hide(scanner);
    return 0;
}

static int
follow_special(Scanner *scanner, int kind, int argument)
{
    const Instructions *instructions = scanner->instructions;
    const Entry *entry = pop(scanner);
    Entry method = {.tag = ENTRY_METHOD, .owner = entry};
    if (kind == KIND_LOAD_SPECIAL) {
        method.name = argument < 4 ? instructions->special[argument] : instructions->nothing;
        const Entry *found = entry_new(scanner, method);
        push(scanner, found);
        push(scanner, found);
        return 0;
    }
    method.name = instructions->special[0];
    add_call(scanner, entry_new(scanner, method));
    method.name = instructions->special[1];
    push(scanner, entry_new(scanner, method));
    push(scanner, NULL);
    return 0;
}

static int
follow_items(Scanner *scanner, int opcode, int argument)
{
    int change;
    const Entry *entry = pop(scanner);
    if (change_of(scanner, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    iterates(scanner, entry);
    takes_item(scanner, entry);
    push_unknown(scanner, change + 1);
    if (opcode == scanner->instructions->unpack_ex) {
        bear(scanner);
    }
    return 0;
}

/* Follows the instructions that run code which is not in the line, or of which only the effect on the
   stack is known. */
static int
follow_unknown(Scanner *scanner, int kind, int opcode, int argument)
{
    if (settle(scanner, opcode, argument) < 0) {
        return -1;
    }
    if (kind == KIND_UNKNOWN || (kind == KIND_INTRINSIC && argument == STAR)) {
        add_call(scanner, NULL);
    }
    if (kind == KIND_UNKNOWN) {
        hide(scanner);
    }
    return 0;
}

static int
follow_making(Scanner *scanner, int kind, int opcode, int argument)
{
    int change;
    if (change_of(scanner, opcode, argument, 0, &change) < 0) {
        return -1;
    }
    const Entry *last = taken(scanner, 1, 0);
    drop(scanner, 1 - change);
    const Entry *made = kind == KIND_BUILD ? &fresh_entry : NULL;
    if (opcode == scanner->instructions->make_function && has_tag(last, ENTRY_PLAIN)
        && last->type == (PyObject *)Py_TYPE(scanner->code)) {
        made = entry_new(scanner, (Entry){.tag = ENTRY_FRESH, .name = last->name});
    }
    push(scanner, made);
    if (kind == KIND_RESULT) {
        hide(scanner);
    }
    else {
        bear(scanner);
    }
    return 0;
}

static int
follow(Scanner *scanner, int opcode, int argument, int following)
{
    const Instructions *instructions = scanner->instructions;
    int kind = instructions->kinds[opcode];
    if (kind == KIND_OPERATOR && argument == instructions->subscript) {
        kind = KIND_LOAD_ITEM;
    }
    int done = follow_moving(scanner, kind, opcode, argument);
    if (done != 0) {
        return done < 0 ? -1 : 0;
    }
    int change;
    PyObject *name;
    const Entry *entry;
    const Entry *key;
    switch (kind) {
    case KIND_FAST:
        return follow_fast(scanner, opcode, argument);
    case KIND_NOTHING:
        if (opcode == instructions->keyword_names) {
            PyObject *given = PyTuple_GetItem(scanner->constants, argument);
            scanner->keywords = given != NULL && PyTuple_Check(given) ? given : NULL;
            return given == NULL ? -1 : 0;
        }
        return 0;
    case KIND_LOAD_ATTRIBUTE:
        return follow_attribute(scanner, argument);
    case KIND_CONSTANT:
        return follow_constant(scanner, opcode, argument);
    case KIND_DROP:
        if (change_of(scanner, opcode, argument, 0, &change) < 0) {
            return -1;
        }
        /* Not as `drop` does: nobody uses what they take. */
        scanner->height = scanner->height + change > 0 ? scanner->height + change : 0;
        scanner->lowest = scanner->height < scanner->lowest ? scanner->height : scanner->lowest;
        scanner->foreign = scanner->height < scanner->foreign ? scanner->height : scanner->foreign;
        return 0;
    case KIND_MAKE:
    case KIND_RESULT:
    case KIND_BUILD:
        if (opcode == instructions->load_assertion_error) {
            push(scanner, entry_new(scanner, (Entry){.tag = ENTRY_CALLABLE,
                                                     .type = PyExc_AssertionError}));
            return 0;
        }
        return follow_making(scanner, kind, opcode, argument);
    case KIND_LOAD_GLOBAL:
        name = PyTuple_GetItem(scanner->names, argument >> 1);
        if (name == NULL) {
            return -1;
        }
        push(scanner, variable(scanner, name, 1, 0));
        if (argument & 1) {
            /* In 3.12 it is below. */
            push(scanner, &null_entry);
        }
        return 0;
    case KIND_CALL:
    case KIND_CALL_KEYWORDS:
    case KIND_CALL_SPREAD:
        return follow_call(scanner, kind, opcode, argument);
    case KIND_DEREF:
    case KIND_NAME:
    case KIND_GLOBAL:
        return follow_named(scanner, kind, opcode, argument);
    case KIND_JUMP:
    case KIND_JUMP_IF:
        return follow_jump(scanner, kind, opcode, argument, following);
    case KIND_LEAVE:
        if (opcode != instructions->return_constant) {
            pop(scanner);
        }
        scanner->is_cut_off = 1;
        return 0;
    case KIND_STORE_ATTRIBUTE:
    case KIND_DELETE_ATTRIBUTE:
        return follow_store_attribute(scanner, kind, argument);
    case KIND_LOAD_ITEM:
        entry = taken(scanner, 2, 0);
        key = taken(scanner, 2, 1);
        drop(scanner, 2);
        item(scanner, entry, key);
        if (!has_tag(key, ENTRY_PLAIN) || key->type == (PyObject *)&PySlice_Type) {
            /* A slice makes a new object. */
            bear(scanner);
        }
        return 0;
    case KIND_STORE_ITEM:
    case KIND_DELETE_ITEM:
    case KIND_STORE_SLICE:
        return follow_store_item(scanner, kind);
    case KIND_LOAD_SLICE:
        entry = taken(scanner, 3, 0);
        drop(scanner, 3);
        item(scanner, entry, NULL);
        if (scanner->height > 0) {
            scanner->stack[scanner->height - 1] = &fresh_entry;
        }
        bear(scanner);
        return 0;
    case KIND_OPERATOR:
        return follow_operator(scanner, argument);
    case KIND_ITERATE:
        return follow_iterate(scanner, opcode, argument);
    case KIND_NEXT:
        return follow_next(scanner, opcode, argument, following);
    case KIND_CONTAINS:
        entry = taken(scanner, 2, 1);
        drop(scanner, 2);
        iterates(scanner, entry);
        push(scanner, entry_new(scanner, (Entry){.tag = ENTRY_PLAIN, .type = (PyObject *)&PyLong_Type}));
        return 0;
    case KIND_LOAD_SUPER:
        return follow_super(scanner, argument);
    case KIND_LOAD_SPECIAL:
    case KIND_WITH:
        return follow_special(scanner, kind, argument);
    case KIND_EXTEND:
    case KIND_UNPACK:
        return follow_items(scanner, opcode, argument);
    default:
        return follow_unknown(scanner, kind, opcode, argument);
    }
}

int
scanner_follow(Scanner *scanner, LineFacts *line, LineFacts *again, int offset, int opcode,
               int argument, int following)
{
    const Instructions *instructions = scanner->instructions;
    int kind = instructions->kinds[opcode];
    scanner->start = offset;
    turn_to(scanner, line, again);
    if (kind == KIND_EXTEND || kind == KIND_UNPACK || kind == KIND_NEXT
        || instructions->is_yielding[opcode]) {
        EACH(scanner, each) {
            each->pauses = 1;
        }
    }
    if (scanner->jump_count > 0 || scanner->is_cut_off) {
        arrive(scanner, offset);
    }
    if (is_mixing(kind)) {
        EACH(scanner, each) {
            each->is_mixed |= each->is_wide || each->targets.count > 0;
        }
    }
    if (follow(scanner, opcode, argument, following) < 0) {
        return -1;
    }
    if (scanner->arena->failed) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int
scanner_begin(Scanner *scanner, Arena *arena, const Instructions *instructions, PyObject *code,
              int at_module)
{
    *scanner = (Scanner){.arena = arena,
                         .instructions = instructions,
                         .code = code,
                         .at_module = at_module,
                         .told_in = 1};
    scanner->names = get_attribute(code, "co_names");
    scanner->constants =
        scanner->names == NULL ? NULL : get_attribute(code, "co_consts");
    return scanner->constants == NULL ? -1 : 0;
}

void
scanner_end(Scanner *scanner)
{
    Py_CLEAR(scanner->names);
    Py_CLEAR(scanner->constants);
    PyMem_Free(scanner->slots);
    PyMem_Free(scanner->stack);
    PyMem_Free(scanner->jumps);
    scanner->slots = NULL;
    scanner->stack = NULL;
    scanner->jumps = NULL;
}
