/* Allocation that does not return NULL, and arenas: see memory.h. */
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local jmp_buf *escape;

jmp_buf *mem_escape(jmp_buf *where)
{
    jmp_buf *before = escape;

    escape = where;
    return before;
}

static _Noreturn void out_of_memory(size_t size)
{
    if (escape)
        longjmp(*escape, 1);
    fprintf(stderr, "emotrain: out of memory: could not get %zu bytes\n", size);
    exit(1);
}

static size_t product(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    return bytes ? bytes : 1;
}

void *mem_alloc(size_t size)
{
    void *block = malloc(size ? size : 1);

    if (!block)
        out_of_memory(size);
    return block;
}

void *mem_zero(size_t count, size_t size)
{
    size_t bytes = product(count, size);
    void *block = calloc(1, bytes);

    if (!block)
        out_of_memory(bytes);
    return block;
}

void *mem_resize(void *block, size_t count, size_t size)
{
    size_t bytes = product(count, size);
    void *moved = realloc(block, bytes);

    if (!moved)
        out_of_memory(bytes);
    return moved;
}

char *mem_string(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

static char *format_with(void *(*allocate)(void *, size_t), void *context, const char *format,
                         va_list arguments)
{
    va_list again;

    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        length = 0;
    char *text = allocate(context, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

static void *from_heap(void *context, size_t size)
{
    (void)context;
    return mem_alloc(size);
}

static void *from_arena(void *context, size_t size)
{
    return arena_zero(context, 1, size);
}

char *mem_format(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = format_with(from_heap, NULL, format, arguments);
    va_end(arguments);
    return text;
}

void *mem_grow(void *block, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return block;
    size_t wanted = *capacity ? *capacity : 16;
    while (wanted < needed)
        wanted *= 2;
    *capacity = wanted;
    return mem_resize(block, wanted, size);
}

enum { ARENA_BLOCK = 64 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) char bytes[];
};

void *arena_zero(struct arena *arena, size_t count, size_t size)
{
    size_t bytes = (product(count, size) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_block *block = arena->blocks;

    if (!block || block->size - block->used < bytes) {
        size_t room = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
        block = mem_zero(1, sizeof *block + room);
        block->size = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *result = block->bytes + block->used;
    block->used += bytes;
    return result;
}

char *arena_string(struct arena *arena, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(arena_zero(arena, 1, size), text, size);
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = format_with(from_arena, arena, format, arguments);
    va_end(arguments);
    return text;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
