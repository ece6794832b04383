/* The unpickler, which builds tensors and nothing else: see unpickle.h. */
#include "model/weights/unpickle.h"

#include <stdlib.h>
#include <string.h>

enum kind { NONE, BOOL, INTEGER, NUMBER, STRING, TUPLE, LIST, DICTIONARY, GLOBAL, STORAGE, TENSOR, MARK };

struct value {
    enum kind kind;
    int64_t integer;       /* BOOL, INTEGER */
    const char *text;      /* STRING, GLOBAL ("module name"), STORAGE (key) */
    enum et_dtype dtype;   /* STORAGE, TENSOR */
    const char *type_name; /* STORAGE, TENSOR: "HalfStorage"; readable where dtype holds */
    bool readable;
    struct value **items; /* TUPLE, LIST; DICTIONARY: key, value, key, value, ... */
    size_t count, capacity;
    int dims; /* TENSOR */
    int64_t shape[WEIGHT_MAX_DIMS];
    struct pickled *pickled;
};

struct machine {
    const char *path;
    const unsigned char *at, *end;
    struct value **stack, **memo;
    size_t depth, stack_capacity, memo_count /* room */, memo_used;
    struct arena *arena; /* of the weights: strings and pickled live on */
    struct arena values; /* of this run */
    struct error *error;
};

enum { MAX_STACK = 1 << 20, MAX_MEMO = 1 << 22 };

static bool fail(struct machine *m, const char *what)
{
    return error_set(m->error, "%s: bad pickle: %s", m->path, what);
}

static struct value *new_value(struct machine *m, enum kind kind)
{
    struct value *value = arena_zero(&m->values, 1, sizeof *value);

    value->kind = kind;
    return value;
}

static bool push(struct machine *m, struct value *value)
{
    if (m->depth >= MAX_STACK)
        return fail(m, "nested too deeply");
    m->stack = mem_grow(m->stack, &m->stack_capacity, m->depth + 1, sizeof *m->stack);
    m->stack[m->depth++] = value;
    return true;
}

static struct value *pop(struct machine *m)
{
    if (m->depth == 0) {
        fail(m, "stack is empty");
        return new_value(m, NONE);
    }
    return m->stack[--m->depth];
}

static struct value *top(struct machine *m)
{
    struct value *value = pop(m);

    m->depth += !m->error->kind;
    return value;
}

static void append(struct machine *m, struct value *list, struct value *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        struct value **items = arena_zero(&m->values, capacity, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

static uint64_t little_endian(struct machine *m, size_t bytes)
{
    uint64_t value = 0;

    if ((size_t)(m->end - m->at) < bytes) {
        fail(m, "ends too early");
        return 0;
    }
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | m->at[i];
    m->at += bytes;
    return value;
}

static const char *take_text(struct machine *m, uint64_t length)
{
    if (length > (uint64_t)(m->end - m->at)) {
        fail(m, "ends too early");
        return "";
    }
    char *text = arena_zero(m->arena, length + 1, 1);
    memcpy(text, m->at, length);
    m->at += length;
    return text;
}

static const char *take_line(struct machine *m)
{
    const unsigned char *newline = memchr(m->at, '\n', (size_t)(m->end - m->at));

    if (!newline) {
        fail(m, "ends too early");
        return "";
    }
    const char *line = take_text(m, (uint64_t)(newline - m->at));
    m->at++;
    return line;
}

static bool push_integer(struct machine *m, enum kind kind, int64_t integer)
{
    struct value *value = new_value(m, kind);

    value->integer = integer;
    return push(m, value);
}

static bool push_text(struct machine *m, const char *text)
{
    struct value *value = new_value(m, STRING);

    value->text = text;
    return push(m, value);
}

/* LONG1: a little-endian two's complement number of n bytes. */
static bool push_long(struct machine *m)
{
    uint64_t n = little_endian(m, 1);

    if (n > 8)
        return fail(m, "number too large");
    uint64_t bits = little_endian(m, n);
    if (n > 0 && n < 8 && bits >> (8 * n - 1))
        bits |= UINT64_MAX << (8 * n);
    return push_integer(m, INTEGER, (int64_t)bits);
}

static const struct {
    const char *name;
    enum et_dtype dtype;
    bool readable;
} STORAGES[] = {{"torch FloatStorage", ET_FLOAT32, true},     {"torch HalfStorage", ET_FLOAT16, true},
                {"torch BFloat16Storage", ET_BFLOAT16, true}, {"torch DoubleStorage", ET_FLOAT64, true},
                {"torch LongStorage", ET_INT64, true},        {"torch IntStorage", ET_INT32, true},
                {"torch BoolStorage", ET_BOOL, true},         {"torch ShortStorage", ET_INT32, false},
                {"torch CharStorage", ET_BOOL, false},        {"torch ByteStorage", ET_BOOL, false}};

enum { STORAGE_COUNT = sizeof STORAGES / sizeof STORAGES[0] };

static const char *const CALLABLES[] = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2",
                                        "torch._utils _rebuild_parameter"};

static bool push_global(struct machine *m, const char *module, const char *name)
{
    struct value *value = new_value(m, GLOBAL);
    bool known = false;

    value->text = arena_format(&m->values, "%s %s", module, name);
    for (size_t i = 0; i < sizeof CALLABLES / sizeof CALLABLES[0]; i++)
        known = known || strcmp(value->text, CALLABLES[i]) == 0;
    for (size_t i = 0; i < STORAGE_COUNT; i++)
        known = known || strcmp(value->text, STORAGES[i].name) == 0;
    if (!known)
        return error_set(m->error, "%s: its pickle asks for %s.%s: only tensors are read, nothing is run",
                         m->path, module, name);
    return push(m, value);
}

/* BINPERSID: ("storage", class, key, location, elements). */
static bool push_storage(struct machine *m)
{
    struct value *id = pop(m), *value = new_value(m, STORAGE);

    if (id->kind != TUPLE || id->count != 5 || id->items[0]->kind != STRING ||
        strcmp(id->items[0]->text, "storage") != 0 || id->items[1]->kind != GLOBAL ||
        id->items[2]->kind != STRING || id->items[4]->kind != INTEGER)
        return fail(m, "unknown persistent object");
    size_t i = 0;
    while (i < STORAGE_COUNT && strcmp(STORAGES[i].name, id->items[1]->text) != 0)
        i++;
    if (i == STORAGE_COUNT)
        return fail(m, "a storage of a class that is none");
    value->text = id->items[2]->text;
    value->dtype = STORAGES[i].dtype;
    value->readable = STORAGES[i].readable;
    value->type_name = strchr(STORAGES[i].name, ' ') + 1;
    value->integer = id->items[4]->integer;
    return push(m, value);
}

/* torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static struct value *rebuild_tensor(struct machine *m, const struct value *a)
{
    struct value *tensor = new_value(m, TENSOR);

    if (a->count < 4 || a->items[0]->kind != STORAGE || a->items[1]->kind != INTEGER ||
        a->items[2]->kind != TUPLE || a->items[3]->kind != TUPLE ||
        a->items[2]->count != a->items[3]->count || a->items[2]->count > WEIGHT_MAX_DIMS) {
        fail(m, "bad arguments of _rebuild_tensor_v2");
        return tensor;
    }
    const struct value *storage = a->items[0];
    tensor->dtype = storage->dtype;
    tensor->readable = storage->readable;
    tensor->type_name = storage->type_name;
    tensor->dims = (int)a->items[2]->count;
    tensor->pickled = arena_zero(m->arena, 1, sizeof *tensor->pickled);
    tensor->pickled->storage = storage->text;
    tensor->pickled->offset = a->items[1]->integer;
    int64_t last = a->items[1]->integer, elements = 1;
    bool bad = last < 0;
    for (int d = 0; d < tensor->dims && !bad; d++) {
        int64_t size = a->items[2]->items[d]->integer, stride = a->items[3]->items[d]->integer, span;
        bad = a->items[2]->items[d]->kind != INTEGER || a->items[3]->items[d]->kind != INTEGER || size < 0 ||
              stride < 0 || __builtin_mul_overflow(elements, size, &elements) ||
              (size > 0 && (__builtin_mul_overflow(size - 1, stride, &span) ||
                            __builtin_add_overflow(last, span, &last)));
        tensor->shape[d] = size;
        tensor->pickled->stride[d] = stride;
    }
    if (bad || (elements > 0 && last >= storage->integer))
        fail(m, "a tensor reaches beyond its storage");
    return tensor;
}

static bool reduce(struct machine *m)
{
    struct value *arguments = pop(m), *callable = pop(m), *result = NULL;

    if (arguments->kind != TUPLE || callable->kind != GLOBAL)
        return fail(m, "REDUCE of something that is no call");
    if (strcmp(callable->text, "collections OrderedDict") == 0 && arguments->count == 0)
        result = new_value(m, DICTIONARY);
    else if (strcmp(callable->text, "torch._utils _rebuild_tensor_v2") == 0)
        result = rebuild_tensor(m, arguments);
    else if (strcmp(callable->text, "torch._utils _rebuild_parameter") == 0 && arguments->count >= 1)
        result = arguments->items[0];
    return result ? push(m, result) : fail(m, "a call with unexpected arguments");
}

/* What stands above the topmost mark becomes the items of a new value; the mark goes. */
static struct value *collect(struct machine *m, enum kind kind)
{
    struct value *value = new_value(m, kind);
    size_t mark = m->depth;

    while (mark > 0 && m->stack[mark - 1]->kind != MARK)
        mark--;
    if (mark == 0) {
        fail(m, "no mark");
        return value;
    }
    for (size_t i = mark; i < m->depth; i++)
        append(m, value, m->stack[i]);
    m->depth = mark - 1;
    return value;
}

static bool push_tuple(struct machine *m, size_t count)
{
    struct value *tuple = new_value(m, TUPLE);

    if (m->depth < count)
        return fail(m, "stack is empty");
    for (size_t i = m->depth - count; i < m->depth; i++)
        append(m, tuple, m->stack[i]);
    m->depth -= count;
    return push(m, tuple);
}

static bool extend(struct machine *m, enum kind kind, const struct value *items)
{
    struct value *target = top(m);

    if (target->kind != kind || (kind == DICTIONARY && items->count % 2 != 0))
        return fail(m, "adding items to something that takes none");
    for (size_t i = 0; i < items->count; i++)
        append(m, target, items->items[i]);
    return true;
}

static bool extend_by(struct machine *m, enum kind kind, size_t count)
{
    return push_tuple(m, count) && extend(m, kind, pop(m));
}

static bool memo_put(struct machine *m, uint64_t index)
{
    if (index >= MAX_MEMO)
        return fail(m, "memo index too large");
    if (index >= m->memo_count) {
        size_t count = index + 1 > 2 * m->memo_count ? index + 1 : 2 * m->memo_count;
        m->memo = mem_resize(m->memo, count, sizeof *m->memo);
        memset(m->memo + m->memo_count, 0, (count - m->memo_count) * sizeof *m->memo);
        m->memo_count = count;
    }
    m->memo[index] = top(m);
    m->memo_used = index >= m->memo_used ? index + 1 : m->memo_used;
    return true;
}

static bool memo_get(struct machine *m, uint64_t index)
{
    if (index >= m->memo_count || !m->memo[index])
        return fail(m, "nothing in that memo");
    return push(m, m->memo[index]);
}

/* BUILD sets attributes of an object (an OrderedDict's _metadata): of no use here. */
static bool build(struct machine *m)
{
    pop(m);
    return top(m)->kind == DICTIONARY || fail(m, "BUILD of something that is no dictionary");
}

/* Executes one instruction; the opcodes are those of Python's pickletools that torch.save writes
 * (protocol 2), and their newer equivalents. */
static bool run_opcode(struct machine *m, unsigned char opcode)
{
    switch (opcode) {
    case 0x80: /* PROTO */
        return little_endian(m, 1) <= 5 || fail(m, "unknown protocol");
    case 0x95: /* FRAME */
        little_endian(m, 8);
        return true;
    case 'c': { /* GLOBAL */
        const char *module = take_line(m);
        return push_global(m, module, take_line(m));
    }
    case '(': /* MARK */
        return push(m, new_value(m, MARK));
    case '}': /* EMPTY_DICT */
        return push(m, new_value(m, DICTIONARY));
    case ']': /* EMPTY_LIST */
        return push(m, new_value(m, LIST));
    case ')': /* EMPTY_TUPLE */
        return push(m, new_value(m, TUPLE));
    case 't': /* TUPLE */
        return push(m, collect(m, TUPLE));
    case 0x85: /* TUPLE1 */
    case 0x86: /* TUPLE2 */
    case 0x87: /* TUPLE3 */
        return push_tuple(m, (size_t)opcode - 0x84);
    case 'X': /* BINUNICODE */
        return push_text(m, take_text(m, little_endian(m, 4)));
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':  /* SHORT_BINSTRING */
        return push_text(m, take_text(m, little_endian(m, 1)));
    case 'J': /* BININT */
        return push_integer(m, INTEGER, (int32_t)little_endian(m, 4));
    case 'K': /* BININT1 */
        return push_integer(m, INTEGER, (int64_t)little_endian(m, 1));
    case 'M': /* BININT2 */
        return push_integer(m, INTEGER, (int64_t)little_endian(m, 2));
    case 0x8a: /* LONG1 */
        return push_long(m);
    case 'G': /* BINFLOAT */
        little_endian(m, 8);
        return push(m, new_value(m, NUMBER));
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push_integer(m, BOOL, opcode == 0x88);
    case 'N': /* NONE */
        return push(m, new_value(m, NONE));
    case 'q': /* BINPUT */
        return memo_put(m, little_endian(m, 1));
    case 'r': /* LONG_BINPUT */
        return memo_put(m, little_endian(m, 4));
    case 0x94: /* MEMOIZE */
        return memo_put(m, m->memo_used);
    case 'h': /* BINGET */
        return memo_get(m, little_endian(m, 1));
    case 'j': /* LONG_BINGET */
        return memo_get(m, little_endian(m, 4));
    case 'Q': /* BINPERSID */
        return push_storage(m);
    case 'R': /* REDUCE */
        return reduce(m);
    case 'b': /* BUILD */
        return build(m);
    case 's': /* SETITEM */
        return extend_by(m, DICTIONARY, 2);
    case 'u': /* SETITEMS */
        return extend(m, DICTIONARY, collect(m, TUPLE));
    case 'a': /* APPEND */
        return extend_by(m, LIST, 1);
    case 'e': /* APPENDS */
        return extend(m, LIST, collect(m, TUPLE));
    case 0x93: { /* STACK_GLOBAL */
        struct value *name = pop(m), *module = pop(m);
        if (name->kind != STRING || module->kind != STRING)
            return fail(m, "STACK_GLOBAL without names");
        return push_global(m, module->text, name->text);
    }
    default:
        return error_set(m->error, "%s: bad pickle: opcode 0x%02x is not one that tensors need", m->path,
                         opcode);
    }
}

static struct value *run_machine(struct machine *m)
{
    while (!m->error->kind && m->at < m->end && *m->at != '.')
        run_opcode(m, *m->at++);
    if (m->at == m->end)
        fail(m, "ends without STOP");
    struct value *result = pop(m);
    if (result->kind != DICTIONARY)
        fail(m, "it is no dictionary of tensors");
    return m->error->kind ? NULL : result;
}

/* Of a dictionary of other things than tensors, the member that holds them. */
static const struct value *tensors_of(const struct value *dictionary)
{
    static const char *const names[] = {"model", "state_dict", "model_state_dict"};

    for (size_t i = 0; i + 1 < dictionary->count; i += 2)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            if (dictionary->items[i]->kind == STRING && dictionary->items[i + 1]->kind == DICTIONARY &&
                strcmp(dictionary->items[i]->text, names[k]) == 0)
                return dictionary->items[i + 1];
    return dictionary;
}

/* Turns the dictionary into entries; values that are no tensors are passed over. */
static void add_entries(struct weights *weights, const struct value *dictionary)
{
    for (size_t i = 0; i + 1 < dictionary->count; i += 2) {
        const struct value *key = dictionary->items[i], *tensor = dictionary->items[i + 1];
        if (key->kind != STRING || tensor->kind != TENSOR)
            continue;
        struct weight *entry = weights_add(weights, key->text);
        entry->dtype = tensor->dtype;
        entry->readable = tensor->readable;
        entry->type_name = tensor->type_name;
        entry->dims = tensor->dims;
        memcpy(entry->shape, tensor->shape, sizeof entry->shape);
        entry->pickled = tensor->pickled;
    }
}

bool unpickle(struct weights *weights, const unsigned char *bytes, size_t size, const char *path,
              struct error *error)
{
    struct machine m = {
        .path = path, .arena = &weights->arena, .error = error, .at = bytes, .end = bytes + size};
    struct value *dictionary = run_machine(&m);

    if (dictionary)
        add_entries(weights, tensors_of(dictionary));
    free(m.stack);
    free(m.memo);
    arena_free(&m.values);
    return dictionary != NULL;
}
