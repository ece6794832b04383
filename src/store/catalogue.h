/*
 * The catalogue: one SQLite database of corpora, clips, splits, runs, metrics and predictions (WAL, foreign
 * keys on, `PRAGMA user_version` migrations).  This folder holds the schema and every query; callers see
 * structs.  A catalogue belongs to one thread.
 *
 * Errors name the database file and SQLite's reason.  A database written by a newer emotrain is refused.
 */
#ifndef EMOTRAIN_STORE_CATALOGUE_H
#define EMOTRAIN_STORE_CATALOGUE_H

#include "base/error.h"

struct catalogue;

/* Opens or makes the database, and its folder; waits up to 60 s for another process's write to end. */
struct catalogue *catalogue_open(const char *path, struct error *error);
/* Opens the database for reading alone: nothing is made or written, and neither it nor its folder need be
 * writable. */
struct catalogue *catalogue_open_read(const char *path, struct error *error);

void catalogue_close(struct catalogue *catalogue); /* NULL does nothing */
const char *catalogue_path(const struct catalogue *catalogue);

/* A transaction: all writes between begin and commit happen, or none.  They do not nest. */
bool catalogue_begin(struct catalogue *catalogue, struct error *error);
bool catalogue_commit(struct catalogue *catalogue, struct error *error);
void catalogue_rollback(struct catalogue *catalogue);

#endif
