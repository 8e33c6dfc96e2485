#include "secrets.h"

#include <stdlib.h>

#include "_trace_records.h"
#include "ask.h"
#include "buffers.h"
#include "internals.h"
#include "spans.h"
#include "state.h"
#include "tables.h"
#include "utf8.h"

#define PREFIX 6 /* as in secret_forms.py */
#define SHORTEST 6 /* as in secret_forms.py */
#define LONGEST (1 << 16) /* as in secrets.py */
#define MOST (1 << 16) /* as in secrets.py */
#define MOST_ASKED (1 << 16) /* as in secrets.py */
#define DEEPEST 3 /* as in secrets.py */
#define ITEMS 100 /* as in secret_forms.py */
#define SPARSE 16 /* places for each secret: most are empty */
#define STRIDE 3  /* bytes between two probes of a text: PREFIX bytes contain one probe of four bytes */
#define SIEVE_BITS 12 /* the binary logarithm of the sieve's size at first */
#define SIFTED 64     /* bytes of the sieve for each secret */

typedef struct {
    size_t start;
    size_t end;
} Span;

typedef struct {
    Span *all;
    size_t used;
    size_t size;
} Spans;

static const char placeholder[] = "<redacted>";

/* ---- hashes */

static inline uint32_t
window_of(const Secrets *secrets, const unsigned char *bytes)
{
    /* Load two numbers, because one load of bytes that were joined in memory is slower. */
    uint32_t low;
    uint16_t high;
    memcpy(&low, bytes, 4);
    memcpy(&high, bytes + 4, 2);
    uint64_t word = low | (uint64_t)high << 32;
    word = (word ^ secrets->key[0]) * secrets->key[1];
    word = (word ^ word >> 32) * secrets->key[1];
    return (uint32_t)(word >> 32);
}

static inline uint32_t
sifted(const Secrets *secrets, const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, 4);
    return word * (uint32_t)secrets->key[1] >> secrets->sieve_shift;
}

static uint64_t
digest_of(const Secrets *secrets, const unsigned char *bytes, size_t count)
{
    uint64_t hash = secrets->key[2] ^ count;
    uint64_t word;
    for (; count >= 8; bytes += 8, count -= 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * secrets->key[1];
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, bytes, count);
    hash = (hash ^ word) * secrets->key[1];
    hash ^= hash >> 29;
    return hash ? hash : 1;
}

/* ---- known secrets */

int
secrets_set(Engine *engine, PyObject *parts, PyObject *urls)
{
    Secrets *secrets = &engine->secrets;
    PyObject *random = PyObject_CallFunction(engine->state->urandom, "i", (int)sizeof(secrets->key));
    char *bytes;
    Py_ssize_t count;
    if (random == NULL || PyBytes_AsStringAndSize(random, &bytes, &count) < 0) {
        Py_XDECREF(random);
        return -1;
    }
    if (count != sizeof(secrets->key)) {
        /* The program had replaced os.urandom before this module was loaded. */
        Py_DECREF(random);
        PyErr_Format(PyExc_ValueError, "os.urandom returned %zd bytes, not %zu", count,
                     sizeof(secrets->key));
        return -1;
    }
    memcpy(secrets->key, bytes, sizeof(secrets->key));
    Py_DECREF(random);
    secrets->key[1] |= 1;
    PyObject *before[] = {secrets->parts, secrets->urls};
    secrets->parts = Py_NewRef(parts);
    secrets->urls = Py_NewRef(urls);
    Py_XDECREF(before[0]);
    Py_XDECREF(before[1]);
    return 0;
}

void
secrets_free(Secrets *secrets)
{
    PyMem_Free(secrets->known);
    PyMem_Free(secrets->places);
    PyMem_Free(secrets->asked);
    PyMem_Free(secrets->sieve);
    secrets->sieve = NULL;
    secrets->known = NULL;
    secrets->places = NULL;
    secrets->asked = NULL;
    secrets->count = secrets->size = secrets->places_size = 0;
    secrets->asked_used = secrets->asked_size = 0;
}

static void
place(Secrets *secrets, size_t at)
{
    Secret *secret = &secrets->known[at];
    uint32_t *head = &secrets->places[secret->window & (secrets->places_size - 1)];
    secret->next = *head;
    *head = (uint32_t)at + 1;
}

/* Makes the sieve larger if it lets too much through. Fills it from the hashes of the secrets' pieces,
   which are kept for this purpose. */
static int
widen(Secrets *secrets)
{
    unsigned int bits = SIEVE_BITS;
    while (bits < 24 && (size_t)1 << bits < (secrets->count + 1) * SIFTED) {
        bits++;
    }
    if (secrets->sieve != NULL && secrets->sieve_shift == 32 - bits) {
        return 0;
    }
    unsigned char *sieve = PyMem_Calloc((size_t)1 << bits, 1);
    if (sieve == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyMem_Free(secrets->sieve);
    secrets->sieve = sieve;
    secrets->sieve_shift = 32 - bits;
    for (size_t at = 0; at < secrets->count; at++) {
        for (int piece = 0; piece < STRIDE; piece++) {
            sieve[secrets->known[at].pieces[piece] >> secrets->sieve_shift] = 1;
        }
    }
    return 0;
}

static int
reserve(Secrets *secrets)
{
    if (secrets->count == secrets->size) {
        size_t size = secrets->size ? secrets->size * 2 : 16;
        Secret *known = PyMem_Realloc(secrets->known, size * sizeof(Secret));
        if (known == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        secrets->known = known;
        secrets->size = size;
    }
    if (widen(secrets) < 0) {
        return -1;
    }
    if ((secrets->count + 1) * SPARSE > secrets->places_size) {
        size_t size = secrets->places_size ? secrets->places_size * 2 : 16 * SPARSE;
        uint32_t *places = PyMem_Calloc(size, sizeof(uint32_t));
        if (places == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        PyMem_Free(secrets->places);
        secrets->places = places;
        secrets->places_size = size;
        for (size_t at = 0; at < secrets->count; at++) {
            place(secrets, at);
        }
    }
    return 0;
}

/* Returns the longest secret that bytes begin with, or NULL. */
static inline const Secret *
known_at(const Secrets *secrets, const unsigned char *bytes, size_t count)
{
    uint32_t window = window_of(secrets, bytes);
    uint32_t at = secrets->places[window & (secrets->places_size - 1)];
    const Secret *found = NULL;
    while (at != 0) {
        const Secret *secret = &secrets->known[at - 1];
        if (secret->window == window && secret->compared <= count
            && (found == NULL || secret->length > found->length)
            && digest_of(secrets, bytes, secret->compared) == secret->digest) {
            found = secret;
        }
        at = secret->next;
    }
    return found;
}

const Secret *
secrets_next(const Secrets *secrets, const unsigned char *bytes, size_t count, size_t *at)
{
    /* A secret begins with three overlapping pieces of four bytes; one of them is at a probe. */
    size_t first = *at;
    for (size_t probe = first; secrets->count > 0 && probe + 4 <= count; probe += STRIDE) {
        if (!secrets->sieve[sifted(secrets, bytes + probe)]) {
            continue;
        }
        size_t start = probe < first + STRIDE - 1 ? first : probe - (STRIDE - 1);
        for (; start <= probe && start + PREFIX <= count; start++) {
            const Secret *secret = known_at(secrets, bytes + start, count - start);
            if (secret != NULL) {
                *at = start;
                return secret;
            }
        }
    }
    return NULL;
}

static int
add(Secrets *secrets, const unsigned char *bytes, size_t count)
{
    size_t compared = count < LOOKED_AHEAD ? count : LOOKED_AHEAD;
    if (secrets->count >= MOST) {
        return 0;
    }
    Secret secret = {.digest = digest_of(secrets, bytes, compared),
                     .window = window_of(secrets, bytes),
                     .compared = (uint32_t)compared,
                     .length = (uint32_t)count};
    if (secrets->count > 0) {
        uint32_t at = secrets->places[secret.window & (secrets->places_size - 1)];
        for (; at != 0; at = secrets->known[at - 1].next) {
            const Secret *other = &secrets->known[at - 1];
            if (other->digest == secret.digest && other->length == secret.length) {
                return 0;
            }
        }
    }
    if (reserve(secrets) < 0) {
        return -1;
    }
    for (int piece = 0; piece < STRIDE; piece++) {
        uint32_t word;
        memcpy(&word, bytes + piece, 4);
        /* Drop the low bits, because the whole product would reveal the bytes. */
        secret.pieces[piece] = (word * (uint32_t)secrets->key[1]) & 0xffffff00u;
        secrets->sieve[secret.pieces[piece] >> secrets->sieve_shift] = 1;
    }
    secrets->known[secrets->count] = secret;
    place(secrets, secrets->count++);
    return 0;
}

/* Adds each bytes object in a list that codetracer's own code has made. */
static int
add_all(Secrets *secrets, PyObject *told)
{
    Py_ssize_t total = PyList_Size(told);
    for (Py_ssize_t at = 0; at < total; at++) {
        char *bytes;
        Py_ssize_t count;
        if (PyBytes_AsStringAndSize(PyList_GetItem(told, at), &bytes, &count) < 0
            || add(secrets, (unsigned char *)bytes, (size_t)count) < 0) {
            return -1;
        }
    }
    return total < 0 ? -1 : 0;
}

/* Returns whether `parts` has been called with a text. If not, and `take` is set, notes that it has. */
static int
was_asked(Secrets *secrets, uint64_t digest, int take)
{
    if (secrets->asked_used * 2 >= secrets->asked_size) {
        size_t size = secrets->asked_size ? secrets->asked_size * 2 : 64;
        uint64_t *asked = PyMem_Calloc(size, sizeof(uint64_t));
        if (asked == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        for (size_t at = 0; at < secrets->asked_size; at++) {
            uint64_t before = secrets->asked[at];
            size_t to = (size_t)before & (size - 1);
            while (before != 0 && asked[to] != 0) {
                to = (to + 1) & (size - 1);
            }
            if (before != 0) {
                asked[to] = before;
            }
        }
        PyMem_Free(secrets->asked);
        secrets->asked = asked;
        secrets->asked_size = size;
    }
    size_t at = (size_t)digest & (secrets->asked_size - 1);
    while (secrets->asked[at] != 0) {
        if (secrets->asked[at] == digest) {
            return 1;
        }
        at = (at + 1) & (secrets->asked_size - 1);
    }
    if (take && secrets->asked_used < MOST_ASKED) {
        secrets->asked[at] = digest;
        secrets->asked_used++;
    }
    return 0;
}

static int
learn_bytes(Engine *engine, const char *bytes, size_t count)
{
    Secrets *secrets = &engine->secrets;
    if (count < SHORTEST) {
        return 0;
    }
    size_t compared = count < LOOKED_AHEAD ? count : LOOKED_AHEAD;
    uint64_t digest = digest_of(secrets, (const unsigned char *)bytes, compared) + count;
    digest = digest ? digest : 1;
    int known = was_asked(secrets, digest, 0);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    PyObject *text = PyBytes_FromStringAndSize(bytes, (Py_ssize_t)count);
    PyObject *told = text == NULL ? NULL : ask(engine, secrets->parts, &text, 1);
    Py_XDECREF(text);
    int failed = told == NULL || add_all(secrets, told) < 0 || was_asked(secrets, digest, 1) < 0;
    Py_XDECREF(told);
    return failed ? -1 : 0;
}

static int
learn_text(Engine *engine, PyObject *text)
{
    Py_ssize_t length = PyUnicode_GetLength(text);
    length = length < LONGEST ? length : LONGEST;
    if (is_ascii(text)) {
        return learn_bytes(engine, PyUnicode_AsUTF8AndSize(text, NULL), (size_t)length);
    }
    PyObject *first = PyUnicode_Substring(text, 0, length);
    if (first == NULL) {
        return -1;
    }
    Utf8 utf8;
    int failed = utf8_take(&utf8, first) < 0
                 || learn_bytes(engine, utf8.bytes.bytes, utf8.bytes.size) < 0;
    utf8_end(&utf8);
    Py_DECREF(first);
    return failed ? -1 : 0;
}

/* Steals the caller's reference to the item. */
static int
learn_item(Engine *engine, PyObject *item, int depth)
{
    int outcome = secrets_learn(engine, item, depth);
    Py_DECREF(item);
    return outcome;
}

static int
learn_sequence(Engine *engine, PyObject *value, int depth)
{
    int is_list = PyList_Check(value);
    for (Py_ssize_t at = 0; at < ITEMS; at++) {
        if (at >= (is_list ? PyList_Size(value) : PyTuple_Size(value))) {
            break;
        }
        PyObject *item = is_list ? PyList_GetItem(value, at) : PyTuple_GetItem(value, at);
        if (item == NULL || learn_item(engine, Py_NewRef(item), depth) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
learn_dict(Engine *engine, PyObject *value, int depth)
{
    PyObject *key;
    PyObject *item;
    Py_ssize_t position = 0;
    for (int at = 0; at < ITEMS && PyDict_Next(value, &position, &key, &item); at++) {
        if (learn_item(engine, Py_NewRef(item), depth) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Uses the iteration of `base`, because a subclass may have another. */
static int
learn_iterated(Engine *engine, PyObject *value, PyTypeObject *base, int depth)
{
    getiterfunc iterate = (getiterfunc)PyType_GetSlot(base, Py_tp_iter);
    PyObject *iterator = iterate(value);
    if (iterator == NULL) {
        return -1;
    }
    PyObject *item;
    for (int at = 0; at < ITEMS && (item = PyIter_Next(iterator)) != NULL; at++) {
        if (learn_item(engine, item, depth) < 0) {
            Py_DECREF(iterator);
            return -1;
        }
    }
    /* Another thread may have changed it meanwhile. */
    drop_error(engine, PyExc_RuntimeError);
    Py_DECREF(iterator);
    return 0;
}

static int
learn_buffer(Engine *engine, PyObject *value)
{
    Py_ssize_t total;
    PyObject *bytes = buffer_bytes(value, LONGEST, &total);
    int failed = bytes == NULL
                 || (bytes != Py_None
                     && learn_bytes(engine, PyBytes_AsString(bytes), (size_t)PyBytes_Size(bytes)) < 0);
    Py_XDECREF(bytes);
    return failed ? -1 : 0;
}

int
secrets_learn(Engine *engine, PyObject *value, int depth)
{
    if (engine->secrets.parts == NULL) {
        return 0;
    }
    if (PyUnicode_Check(value)) {
        return learn_text(engine, value);
    }
    if (PyBytes_Check(value) || PyByteArray_Check(value)) {
        int is_bytes = PyBytes_Check(value);
        Py_ssize_t count = is_bytes ? PyBytes_Size(value) : PyByteArray_Size(value);
        count = count < LONGEST ? count : LONGEST;
        return learn_bytes(engine, is_bytes ? PyBytes_AsString(value) : PyByteArray_AsString(value),
                           (size_t)count);
    }
    if (PyMemoryView_Check(value) || PyObject_TypeCheck(value, engine->state->bytes_io)) {
        return learn_buffer(engine, value);
    }
    if (depth >= DEEPEST) {
        return 0;
    }
    if (PyList_Check(value) || PyTuple_Check(value)) {
        return learn_sequence(engine, value, depth + 1);
    }
    if (PyDict_Check(value)) {
        return learn_dict(engine, value, depth + 1);
    }
    PyTypeObject *deque = engine->state->deque;
    PyTypeObject *base = PySet_Check(value)                 ? &PySet_Type
                         : PyFrozenSet_Check(value)         ? &PyFrozenSet_Type
                         : PyObject_TypeCheck(value, deque) ? deque
                                                            : NULL;
    return base == NULL ? 0 : learn_iterated(engine, value, base, depth + 1);
}

/* ---- secrets in texts */

static int
put_span(Spans *spans, size_t start, size_t end)
{
    if (spans->used == spans->size) {
        size_t size = spans->size ? spans->size * 2 : 8;
        Span *all = PyMem_Realloc(spans->all, size * sizeof(Span));
        if (all == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        spans->all = all;
        spans->size = size;
    }
    spans->all[spans->used].start = start;
    spans->all[spans->used++].end = end;
    return 0;
}

static int
may_hold_url(const char *bytes, size_t count)
{
    const char *end = bytes + count;
    const char *at = bytes;
    while ((at = memchr(at, ':', (size_t)(end - at))) != NULL) {
        if (end - at >= 3 && at[1] == '/' && at[2] == '/') {
            if (memchr(at, '@', (size_t)(end - at)) != NULL
                || memchr(at, '=', (size_t)(end - at)) != NULL) {
                return 1;
            }
            break;
        }
        at++;
    }
    at = memchr(bytes, '?', count);
    return at != NULL && memchr(at, '=', (size_t)(end - at)) != NULL;
}

static int
put_told_spans(Spans *spans, PyObject *told, size_t count)
{
    Py_ssize_t total = PyList_Size(told);
    for (Py_ssize_t at = 0; at < total; at++) {
        PyObject *pair = PyList_GetItem(told, at);
        Py_ssize_t start = PyLong_AsSsize_t(PyTuple_GetItem(pair, 0));
        Py_ssize_t end = PyLong_AsSsize_t(PyTuple_GetItem(pair, 1));
        if (start < 0 || end < start || (size_t)end > count
            || put_span(spans, (size_t)start, (size_t)end) < 0) {
            return -1;
        }
    }
    return total < 0 ? -1 : 0;
}

static int
find_urls(Engine *engine, const char *bytes, size_t count, Spans *spans)
{
    Secrets *secrets = &engine->secrets;
    if (!may_hold_url(bytes, count)) {
        return 0;
    }
    uint64_t digest = digest_of(secrets, (const unsigned char *)bytes, count);
    if (secrets->clean[digest % CLEAN_SLOTS] == digest) {
        return 0;
    }
    PyObject *text = PyBytes_FromStringAndSize(bytes, (Py_ssize_t)count);
    PyObject *told = text == NULL ? NULL : ask(engine, secrets->urls, &text, 1);
    Py_XDECREF(text);
    int failed = told == NULL || put_told_spans(spans, PyTuple_GetItem(told, 0), count) < 0
                 || add_all(secrets, PyTuple_GetItem(told, 1)) < 0;
    Py_XDECREF(told);
    if (!failed && spans->used == 0) {
        secrets->clean[digest % CLEAN_SLOTS] = digest;
    }
    return failed ? -1 : 0;
}

static int
compare_spans(const void *one, const void *other)
{
    const Span *first = one;
    const Span *second = other;
    if (first->start != second->start) {
        return first->start < second->start ? -1 : 1;
    }
    return first->end < second->end ? -1 : first->end > second->end;
}

static void
merge(Spans *spans)
{
    size_t used = 0;
    qsort(spans->all, spans->used, sizeof(Span), compare_spans);
    for (size_t at = 0; at < spans->used; at++) {
        Span *last = used ? &spans->all[used - 1] : NULL;
        if (last == NULL || spans->all[at].start >= last->end) {
            spans->all[used++] = spans->all[at];
        }
        else if (spans->all[at].end > last->end) {
            last->end = spans->all[at].end;
        }
    }
    spans->used = used;
}

/* Finds the spans of secrets, in order. No two spans overlap. */
static int
find(Engine *engine, const char *bytes, size_t count, int is_text, Spans *spans)
{
    if (find_urls(engine, bytes, count, spans) < 0) {
        return -1;
    }
    const Secrets *secrets = &engine->secrets;
    size_t told = spans->used;
    size_t at = 0;
    const Secret *secret;
    while ((secret = secrets_next(secrets, (const unsigned char *)bytes, count, &at)) != NULL) {
        if (is_text && is_continued(bytes, at)) {
            at++;
            continue;
        }
        size_t end = secret->length < count - at ? at + secret->length : count;
        while (is_text && end < count && is_continued(bytes, end)) {
            end++;
        }
        if (put_span(spans, at, end) < 0) {
            return -1;
        }
        at = end;
    }
    if (told > 0 && spans->used > 1) {
        merge(spans);
    }
    return 0;
}

/* Appends the first `kept` bytes, with placeholders in place of the spans that begin in them. */
static int
put_replaced(Buffer *to, const char *bytes, size_t kept, const Spans *spans)
{
    size_t position = 0;
    for (size_t at = 0; at < spans->used && spans->all[at].start < kept; at++) {
        size_t start = spans->all[at].start;
        if (put_bytes(to, bytes + position, start - position) < 0
            || put_bytes(to, placeholder, sizeof(placeholder) - 1) < 0) {
            return -1;
        }
        position = spans->all[at].end;
    }
    return position < kept ? put_bytes(to, bytes + position, kept - position) : 0;
}

int
secrets_put(Engine *engine, Buffer *to, const char *bytes, size_t count, size_t kept,
            Py_ssize_t total, int is_text)
{
    if (engine->secrets.count == 0 && !may_hold_url(bytes, count)) {
        return 0;
    }
    Py_ssize_t limit = engine->values.text;
    Spans spans = {0};
    int outcome = find(engine, bytes, count, is_text, &spans);
    if (outcome == 0 && spans.size == 0) {
        return 0;
    }
    Buffer replaced = {0};
    if (outcome == 0 && spans.used > 0 && spans.all[0].start < kept) {
        int is_whole = spans.all[0].start == 0 && spans.all[0].end == count
                       && total <= limit + LOOKED_AHEAD;
        if (is_whole) {
            outcome = put_value_redacted(to);
        }
        else if (put_replaced(&replaced, bytes, kept, &spans) < 0) {
            outcome = -1;
        }
        else if (total <= limit) {
            Bytes shown = {replaced.bytes, replaced.used};
            outcome = is_text ? put_value_text(to, shown) : put_value_binary(to, shown);
        }
        else {
            Bytes shown = {replaced.bytes, replaced.used};
            outcome = is_text ? put_value_cut_text(to, (uint64_t)total, shown)
                              : put_value_cut_binary(to, (uint64_t)total, shown);
        }
        outcome = outcome < 0 ? -1 : 1;
    }
    buffer_free(&replaced);
    PyMem_Free(spans.all);
    return outcome;
}

PyObject *
secrets_clean(Engine *engine, PyObject *data)
{
    char *bytes;
    Py_ssize_t count;
    if (PyBytes_AsStringAndSize(data, &bytes, &count) < 0) {
        return NULL;
    }
    if (!secrets_wanted(&engine->secrets, (size_t)count)) {
        return Py_NewRef(data);
    }
    Spans spans = {0};
    Buffer replaced = {0};
    PyObject *result = NULL;
    if (find(engine, bytes, (size_t)count, 0, &spans) == 0) {
        if (spans.used == 0) {
            result = Py_NewRef(data);
        }
        else if (put_replaced(&replaced, bytes, (size_t)count, &spans) == 0) {
            result = PyBytes_FromStringAndSize((char *)replaced.bytes, (Py_ssize_t)replaced.used);
        }
    }
    buffer_free(&replaced);
    PyMem_Free(spans.all);
    return result;
}
