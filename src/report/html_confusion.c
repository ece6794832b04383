/* The confusion matrix on report.html, from report.json: a table whose cells page.js opens. */
#include "report/fields.h"
#include "report/html.h"

/* From this share of a row on, a cell is so dark that light text reads better. */
static const double DARK = 0.72;

static double cell_count(const cJSON *row, size_t j)
{
    const cJSON *item = cJSON_GetArrayItem(row, (int)j);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void add_cell(struct text *page, const struct evaluation *e, const cJSON *row, size_t i, size_t j)
{
    double count = cell_count(row, j),
           rate = e->classes[i].support ? count / (double)e->classes[i].support : 0;

    if (count == 0) {
        text_add(page, "<td><i>0</i></td>");
        return;
    }
    text_add(page,
             "<td style=\"background:rgba(var(--heat),%.3f)\"%s><button type=\"button\" data-label=\"%zu\" "
             "data-predicted=\"%zu\" data-count=\"%.0f\" aria-pressed=\"false\" aria-label=\"",
             rate, rate > DARK ? " class=\"strong\"" : "", i, j, count);
    text_add_html(page, e->labels[i]);
    text_add(page, " predicted as ");
    text_add_html(page, e->labels[j]);
    text_add(page, ": %.0f clips\">%.0f<small>%.0f %%</small></button></td>", count, count, 100 * rate);
}

static size_t count_occurring(const struct evaluation *e)
{
    size_t count = 0;

    for (size_t k = 0; k < e->label_count; k++)
        count += label_occurs(e, k);
    return count;
}

/* The names of the columns, and over them what they are. */
static void add_heading(struct text *page, const struct evaluation *e)
{
    text_add(page,
             "<thead><tr><th></th><th></th><th class=\"axis\" "
             "colspan=\"%zu\">predicted</th></tr>\n<tr><th></th><th></th>",
             count_occurring(e));
    for (size_t j = 0; j < e->label_count; j++) {
        if (!label_occurs(e, j))
            continue;
        text_add(page, "<th><span>");
        text_add_html(page, e->labels[j]);
        text_add(page, "</span></th>");
    }
    text_add(page, "</tr></thead>\n");
}

static void add_row(struct text *page, const struct evaluation *e, const cJSON *row, size_t i)
{
    text_add(page, "<th>");
    text_add_html(page, e->labels[i]);
    text_add(page, "</th>");
    for (size_t j = 0; j < e->label_count; j++)
        if (label_occurs(e, j))
            add_cell(page, e, row, i, j);
    text_add(page, "</tr>\n");
}

void html_confusion(struct text *page, const cJSON *json)
{
    struct arena arena = {0};
    struct evaluation e;
    bool first = true;

    field_evaluation(&e, json, &arena);
    text_add(page, "<div class=\"wide\"><table class=\"confusion\">");
    add_heading(page, &e);
    text_add(page, "<tbody>\n");
    for (size_t i = 0; i < e.label_count; i++) {
        if (!label_occurs(&e, i))
            continue;
        text_add(page, first ? "<tr><th class=\"axis\" rowspan=\"%zu\"><span>label</span></th>" : "<tr>",
                 count_occurring(&e));
        add_row(page, &e, cJSON_GetArrayItem(field(json, "confusion"), (int)i), i);
        first = false;
    }
    text_add(page, "</tbody></table>\n<p class=\"soft\">Each row adds up to 100 %%. Press a cell to see its "
                   "clips.</p></div>\n");
    arena_free(&arena);
}
