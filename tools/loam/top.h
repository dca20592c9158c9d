/*
 * top.h - the two pages of `loam top`, one process and the list of all; and what they draw with.
 *
 * To look at a page is to read its figures anew. It is drawn below the two lines of the title.
 */
#ifndef LOAM_TOOLS_TOP_H
#define LOAM_TOOLS_TOP_H

#include "snapshot.h"
#include "target.h"
#include "units.h"

enum top_sort { TOP_BY_SIZE, TOP_BY_GROWTH, TOP_BY_NAME, TOP_SORTS };

/* One line, cut at the screen's edge; control characters cannot get through. */
void top_line(int y, int attribute, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "+1.5 MiB/s", of what changed within `ns`; nothing when nothing has changed, or no time has passed. */
struct units_text top_rate(int64_t bytes, uint64_t ns);

/* What differs between the last two looks is shown; all but the target is zero before the first. */
struct top_process {
    struct target *target; /* NULL: no process is shown */
    struct snapshot now, before;
    uint64_t now_ns, before_ns;
};

/* Returns 0 or -errno: the process has ended, for one. */
int top_process_look(struct top_process *p);

void top_process_draw(const struct top_process *p, enum top_sort sort);

/* Back to zero. The target stays open. */
void top_process_forget(struct top_process *p);

/* All zero before the first look. */
struct top_list {
    struct watched *watched; /* every process that there is; as last drawn, those on loam come first */
    size_t count;
    size_t chosen;
    uint64_t now_ns, before_ns; /* of the last two looks; 0: there is none */
};

void top_list_look(struct top_list *list);

void top_list_draw(struct top_list *list, enum top_sort sort);

/* The chosen process, open until the next look; NULL when none is shown. */
struct target *top_list_chosen(const struct top_list *list);

void top_list_free(struct top_list *list);

#endif
