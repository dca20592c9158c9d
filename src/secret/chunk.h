/* chunk.h - the pages of a chunk, or of a run of them: opened, protected, closed. Under range_lock. */
#ifndef LOAM_SECRET_CHUNK_H
#define LOAM_SECRET_CHUNK_H

#include "secret/range.h"

/* New for the group, in its list, with no page open. Returns 0; -ENOMEM; -EAGAIN or -ENOSYS for a hidden one. */
HIDDEN int chunk_create(struct loam_secret_group *group, size_t pages, struct chunk **out);

/* Have at least `pages` open pages, which the group's access lets be written. Returns 0, -ENOMEM, -EAGAIN. */
HIDDEN int chunk_open(struct chunk *chunk, size_t pages);

/* Give memory and addresses back, and forget it. What was secret has been wiped. */
HIDDEN void chunk_close(struct chunk *chunk);

/* Give pages [from, from + count) of the open ones the access. Returns 0 or -ENOMEM. */
HIDDEN int chunk_protect(const struct chunk *chunk, size_t from, size_t count, enum loam_secret_access access);

/* The access that the calling thread has to the group's secrets; and change it for a group that has a key. */
HIDDEN enum loam_secret_access group_access(const struct loam_secret_group *group);
HIDDEN void group_switch_key(const struct loam_secret_group *group, enum loam_secret_access access);

#endif
