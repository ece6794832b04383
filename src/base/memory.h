/*
 * Memory: allocation that does not return NULL, and arenas.
 *
 * The small allocations of this program cannot usefully fail, so mem_* end the process with one line when
 * the system has no memory left.  The library gives them a way out in place of that (mem_escape).  Big blocks
 * whose size comes from a file are checked against the file's size before they are asked for.
 *
 * An arena owns many small blocks (names, paths, tables) that live and die together.  A zeroed struct is an
 * empty arena.
 */
#ifndef EMOTRAIN_BASE_MEMORY_H
#define EMOTRAIN_BASE_MEMORY_H

#include <setjmp.h>
#include <stddef.h>

/* Where the calling thread goes on when memory runs out; NULL: nowhere.  What was allocated since is lost,
 * and what was worked on is half done.  Returns what was so before. */
jmp_buf *mem_escape(jmp_buf *where);

void *mem_alloc(size_t size);                             /* uninitialised */
void *mem_zero(size_t count, size_t size);                /* count * size zero bytes; checks overflow */
void *mem_resize(void *block, size_t count, size_t size); /* count * size bytes; checks overflow */
char *mem_string(const char *text);                       /* copy; NULL gives NULL */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Doubles `*capacity` until it holds `needed` elements and resizes; returns the (moved) block. */
void *mem_grow(void *block, size_t *capacity, size_t needed, size_t size);

struct arena {
    struct arena_block *blocks;
};

void *arena_zero(struct arena *arena, size_t count, size_t size);
char *arena_string(struct arena *arena, const char *text); /* copy; NULL gives NULL */
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena); /* frees all blocks and leaves an empty arena */

#endif
