/*
 * Reading report.json and sweep.json where they are made: the text, the page, the card and the tables take
 * their numbers from these objects and from nothing else.
 */
#ifndef EMOTRAIN_REPORT_FIELDS_H
#define EMOTRAIN_REPORT_FIELDS_H

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "eval/statistics.h"

/* A member; NULL where there is none, or no object. */
const cJSON *field(const cJSON *object, const char *name);

double field_number(const cJSON *object, const char *name);            /* NaN where there is no number */
size_t field_count(const cJSON *object, const char *name);             /* 0 where there is no number */
const char *field_text(const cJSON *object, const char *name);         /* "" where there is no text */
struct interval field_interval(const cJSON *object, const char *name); /* of NaN where there is none */

/* How wide a column is that shows a text of each item below a heading. */
int field_width(const cJSON *array, const char *name, const char *heading);

/* Whether any item of an array has such a member, and not null. */
bool field_in_any(const cJSON *array, const char *name);

/* A cell of a table that a run recorded, as text; the buffer holds a number. */
const char *field_cell(const cJSON *cell, char buffer[TEXT_NUMBER_SIZE]);

/* The task of a report or sweep. */
enum task field_task(const cJSON *json);

/* The i-th metric that groups of clips are listed with: the task's first ones. */
enum { GROUP_METRICS = 3 };
enum metric group_metric(enum task task, size_t i);

/* A report's scores, as evaluation_print takes them; lives as long as `report` and `arena`.  It has no
 * confusion matrix and is not to be freed. */
void field_evaluation(struct evaluation *evaluation, const cJSON *report, struct arena *arena);

/* A probability of chance as tables have it: four decimals, "< 0.001" below that, "-" for NaN. */
enum { P_SIZE = 16 };
const char *p_text(char buffer[P_SIZE], double p);

/* A difference with its sign, or "-" where there is none. */
const char *field_change(double value, char buffer[TEXT_NUMBER_SIZE]);

/* The object as a file, its numbers to the last bit. */
bool fields_write(const char *path, const cJSON *json, struct error *error);

#endif
