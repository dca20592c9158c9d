/*
 * rare.h - how common each byte is.
 */
#ifndef LOAM_MEM_RARE_H
#define LOAM_MEM_RARE_H

#include "base/base.h"

/* 0 for the byte that is met least often, 255 for the one that is met most. */
HIDDEN extern const uint8_t byte_rank[256];

#endif
