/* root.c - see root.h. */
#include "sample/root.h"

PUBLIC const struct root loam_image = {
    .magic = ROOT_MAGIC,
    .version = ROOT_VERSION,
    .size = sizeof(struct root),
    .ranges = &ranges,
    .heaps = &heaps,
    .classes = &classes,
    .observers = &observers,
    .slots = &slots,
    .fences = &fences,
    .stacks = &stacks,
    .self = &loam_image,
};
