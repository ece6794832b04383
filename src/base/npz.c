/* NumPy's archives of arrays: see npz.h. */
#include "base/npz.h"

#include "base/archive.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

static const char MAGIC[] = "\x93NUMPY\x01"; /* and a second number of the version, 0 */

enum { PREFIX = 10 }; /* bytes of magic, version and the length of what follows */

/* ---- writing ---- */

/* An array to write: header and values, or a file that has both. */
struct member {
    char *name;
    unsigned char *header;
    const void *values;
    size_t bytes;
    void *own; /* values that the writer made */
    FILE *file;
};

struct npz_writer {
    struct member *members;
    size_t count, capacity;
};

struct npz_writer *npz_create(void)
{
    return mem_zero(1, sizeof(struct npz_writer));
}

static struct member *add_member(struct npz_writer *writer, const char *name, const char *type, size_t dims,
                                 const size_t *shape)
{
    struct text header = {0};

    writer->members =
        mem_grow(writer->members, &writer->capacity, writer->count + 1, sizeof *writer->members);
    struct member *member = &writer->members[writer->count++];
    *member = (struct member){.name = mem_format("%s.npy", name), .header = mem_zero(NPZ_HEADER, 1)};
    text_add(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (size_t d = 0; d < dims; d++)
        text_add(&header, "%zu,%s", shape[d], d + 1 < dims ? " " : "");
    text_add(&header, "), }");
    memset(member->header, ' ', NPZ_HEADER);
    memcpy(member->header, MAGIC, sizeof MAGIC);
    member->header[8] = NPZ_HEADER - PREFIX;
    member->header[9] = 0;
    memcpy(member->header + PREFIX, header.text, header.length);
    member->header[NPZ_HEADER - 1] = '\n';
    text_free(&header);
    return member;
}

static size_t product(size_t dims, const size_t *shape)
{
    size_t count = 1;

    for (size_t d = 0; d < dims; d++)
        count *= shape[d];
    return count;
}

void npz_add_floats(struct npz_writer *writer, const char *name, const float *values, size_t dims,
                    const size_t *shape)
{
    struct member *member = add_member(writer, name, "<f4", dims, shape);

    member->values = values;
    member->bytes = product(dims, shape) * sizeof *values;
}

void npz_add_integers(struct npz_writer *writer, const char *name, const int64_t *values, size_t count)
{
    struct member *member = add_member(writer, name, "<i8", 1, &count);

    member->values = values;
    member->bytes = count * sizeof *values;
}

/* The next character of UTF-8 text, moving *at; bytes that are none count as U+FFFD. */
static uint32_t next_character(const unsigned char **at)
{
    const unsigned char *s = *at;
    int more = s[0] < 0x80 ? 0 : s[0] < 0xc2 ? -1 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : s[0] < 0xf5 ? 3 : -1;
    uint32_t character = more == 0 ? s[0] : more > 0 ? s[0] & (0x3fU >> more) : 0xfffd;

    *at = s + 1;
    for (int i = 1; more > 0 && i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0xfffd;
        character = character << 6 | (s[i] & 0x3f);
    }
    *at = s + 1 + (more > 0 ? more : 0);
    return character;
}

void npz_add_texts(struct npz_writer *writer, const char *name, const struct strings *texts)
{
    size_t longest = 1;

    for (size_t i = 0; i < texts->count; i++)
        longest = strlen(texts->items[i]) > longest ? strlen(texts->items[i]) : longest;
    char *type = mem_format("<U%zu", longest);
    struct member *member = add_member(writer, name, type, 1, &texts->count);
    uint32_t *characters = mem_zero(texts->count * longest + 1, sizeof *characters);
    for (size_t i = 0; i < texts->count; i++) {
        const unsigned char *at = (const unsigned char *)texts->items[i];
        for (size_t k = 0; *at; k++)
            characters[i * longest + k] = next_character(&at);
    }
    member->values = member->own = characters;
    member->bytes = texts->count * longest * sizeof *characters;
    free(type);
}

void npz_add_file(struct npz_writer *writer, const char *name, FILE *values, size_t dims, const size_t *shape)
{
    struct member *member = add_member(writer, name, "<f4", dims, shape);

    member->file = values;
    member->bytes = product(dims, shape) * sizeof(float);
}

/* Puts a header before its values, in a file or in a buffer of the archive. */
static zip_source_t *source_of(zip_t *archive, struct member *m)
{
    if (m->file) {
        bool done = fseek(m->file, 0, SEEK_SET) == 0 &&
                    fwrite(m->header, 1, NPZ_HEADER, m->file) == NPZ_HEADER && fflush(m->file) == 0 &&
                    fseek(m->file, 0, SEEK_SET) == 0; /* libzip reads from there */
        zip_source_t *source =
            done ? zip_source_filep(archive, m->file, 0, (zip_int64_t)(NPZ_HEADER + m->bytes)) : NULL;
        if (source)
            m->file = NULL; /* the archive closes it */
        else if (!done)
            zip_error_set(zip_get_error(archive), ZIP_ER_WRITE, errno);
        return source;
    }
    unsigned char *whole = malloc(NPZ_HEADER + m->bytes); /* the archive frees it */
    if (!whole) {
        zip_error_set(zip_get_error(archive), ZIP_ER_MEMORY, 0);
        return NULL;
    }
    memcpy(whole, m->header, NPZ_HEADER);
    if (m->bytes)
        memcpy(whole + NPZ_HEADER, m->values, m->bytes);
    zip_source_t *source = zip_source_buffer(archive, whole, NPZ_HEADER + m->bytes, 1);
    if (!source)
        free(whole);
    return source;
}

static bool add_to_archive(zip_t *archive, struct member *m)
{
    zip_source_t *source = source_of(archive, m);
    zip_int64_t index = source ? zip_file_add(archive, m->name, source, ZIP_FL_OVERWRITE) : -1;

    if (source && index < 0)
        zip_source_free(source);
    return index >= 0 && zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0;
}

static bool write_archive(struct npz_writer *writer, const char *path, struct error *error)
{
    int code = 0;
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    zip_error_t reason;

    if (!archive) {
        zip_error_init_with_code(&reason, code);
        error_set(error, "%s: cannot be written: %s", path, zip_error_strerror(&reason));
        zip_error_fini(&reason);
        return false;
    }
    bool done = true;
    for (size_t i = 0; done && i < writer->count; i++)
        done = add_to_archive(archive, &writer->members[i]);
    if (done && zip_close(archive) == 0)
        return true;
    error_set(error, "%s: cannot be written: %s", path, zip_strerror(archive));
    zip_discard(archive);
    return false;
}

bool npz_commit(struct npz_writer *writer, const char *path, struct error *error)
{
    bool done = !path || write_archive(writer, path, error);

    for (size_t i = 0; i < writer->count; i++) {
        if (writer->members[i].file)
            fclose(writer->members[i].file);
        free(writer->members[i].name);
        free(writer->members[i].header);
        free(writer->members[i].own);
    }
    free(writer->members);
    free(writer);
    return done;
}

/* ---- reading ---- */

/* A member's bytes; NULL where there is none of that name (without an error), or it cannot be read.  It may
 * claim no more than a thousand times what the archive holds. */
static unsigned char *read_member(const char *path, const char *name, size_t *size, struct error *error)
{
    zip_t *archive = archive_open(path, error);
    unsigned char *bytes = NULL;
    char *member_name = mem_format("%s.npy", name);
    struct stat whole;
    zip_stat_t facts;

    if (!archive) {
        error_set(error, "%s: cannot be read as a NumPy archive (.npz)", path);
    } else if (zip_stat(archive, member_name, 0, &facts) == 0 && stat(path, &whole) == 0) {
        zip_file_t *member =
            facts.size / 1000 <= (zip_uint64_t)whole.st_size ? zip_fopen(archive, member_name, 0) : NULL;
        bytes = member ? mem_zero(facts.size + 1, 1) : NULL;
        *size = facts.size;
        if (!member || zip_fread(member, bytes, facts.size) != (zip_int64_t)facts.size) {
            error_set(error, "%s: its array \"%s\" cannot be read", path, name);
            free(bytes);
            bytes = NULL;
        }
        if (member)
            zip_fclose(member);
    }
    if (archive)
        zip_discard(archive);
    free(member_name);
    return bytes;
}

/* What follows 'KEY': in the header's dictionary; NULL where it is not there. */
static const char *entry_of(const char *header, const char *key)
{
    char *quoted = mem_format("'%s':", key);
    const char *at = strstr(header, quoted);

    at = at ? at + strlen(quoted) : NULL;
    free(quoted);
    return at ? at + strspn(at, " ") : NULL;
}

/* The shape: "(1440, 512)". */
static bool read_shape(struct npz_array *array, const char *text)
{
    if (!text || *text++ != '(')
        return false;
    array->count = 1;
    while (*(text += strspn(text, " ,")) != ')') {
        char *end;
        unsigned long long size = strtoull(text, &end, 10);
        if (end == text || array->dims == NPZ_DIMS || size > SIZE_MAX / 8 / (array->count ? array->count : 1))
            return false;
        array->shape[array->dims++] = (size_t)size;
        array->count *= (size_t)size;
        text = end + (*end == 'L');
    }
    return true;
}

static float number_at(const unsigned char *at, char kind, size_t size)
{
    float single;
    double wide;
    int32_t small;
    int64_t integer;

    if (kind == 'f' && size == 4)
        return memcpy(&single, at, sizeof single), single;
    if (kind == 'f')
        return memcpy(&wide, at, sizeof wide), (float)wide;
    if (size == 4)
        return memcpy(&small, at, sizeof small), (float)small;
    return memcpy(&integer, at, sizeof integer), (float)integer;
}

static void add_character(struct text *text, uint32_t c)
{
    static const uint32_t LEADING[] = {0, 0xc0, 0xe0, 0xf0};
    char bytes[4];
    int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

    bytes[0] = (char)(LEADING[more] | c >> (6 * more));
    for (int i = 1; i <= more; i++)
        bytes[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    text_add_bytes(text, bytes, (size_t)more + 1);
}

static void take_texts(struct npz_array *array, const unsigned char *values, size_t length)
{
    for (size_t i = 0; i < array->count; i++) {
        struct text text = {0};
        text_add_bytes(&text, "", 0);
        for (size_t k = 0; k < length; k++) {
            uint32_t c;
            memcpy(&c, values + (i * length + k) * sizeof c, sizeof c);
            if (c == 0)
                break;
            add_character(&text, c < 0x110000 ? c : 0xfffd);
        }
        strings_add(&array->texts, text.text);
        text_free(&text);
    }
}

/* An array of a member's bytes. */
static bool take_array(struct npz_array *array, const unsigned char *bytes, size_t size)
{
    size_t prefix = PREFIX, length = 0;
    bool wide = size > PREFIX + 2 && bytes[6] > 1; /* the length has four bytes */

    if (size < PREFIX + 2 || memcmp(bytes, MAGIC, 6) != 0)
        return false;
    prefix += wide ? 2 : 0;
    for (size_t i = prefix; i-- > 8;)
        length = length << 8 | bytes[i];
    if (length > size - prefix)
        return false;
    char *header = mem_format("%.*s", (int)length, (const char *)bytes + prefix);
    const char *type = entry_of(header, "descr"), *order = entry_of(header, "fortran_order");
    char kind = 0;
    unsigned long each = 0;
    if (type && strlen(type) > 3 && type[0] == '\'' && (type[1] == '<' || type[1] == '|')) {
        kind = type[2];
        each = strtoul(type + 3, NULL, 10);
    }
    bool done = order && text_starts(order, "False") && read_shape(array, entry_of(header, "shape"));
    free(header);
    size_t values = size - prefix - length, one = kind == 'U' ? 4 * each : each;
    bool known = (kind == 'U' && each > 0 && each < 1 << 20) ||
                 ((kind == 'f' || kind == 'i') && (each == 4 || each == 8));
    if (!done || !known || (array->count > 0 && values / array->count < one))
        return false;
    const unsigned char *first = bytes + prefix + length;
    if (kind == 'U') {
        take_texts(array, first, each);
        return true;
    }
    array->values = mem_zero(array->count + 1, sizeof *array->values);
    for (size_t i = 0; i < array->count; i++)
        array->values[i] = number_at(first + i * each, kind, each);
    return true;
}

bool npz_read(const char *path, const char *name, struct npz_array *array, struct error *error)
{
    size_t size;
    unsigned char *bytes;

    *array = (struct npz_array){0};
    bytes = read_member(path, name, &size, error);
    if (!bytes)
        return false;
    bool done =
        take_array(array, bytes, size) ||
        error_set(error,
                  "%s: its array \"%s\" is not of float32, float64, int32, int64 or text in C order, with at "
                  "most %d dimensions",
                  path, name, NPZ_DIMS);
    free(bytes);
    return done;
}

void npz_free(struct npz_array *array)
{
    free(array->values);
    strings_free(&array->texts);
    *array = (struct npz_array){0};
}
