/* root.c - see root.h. */
#include "heap/root.h"

PUBLIC const struct root loam_image = {
    .magic = ROOT_MAGIC,
    .version = ROOT_VERSION,
    .size = sizeof(struct root),
    .ranges = &ranges,
    .heaps = &heaps,
    .classes = &classes,
    .observers = &observers,
    .self = &loam_image,
};
