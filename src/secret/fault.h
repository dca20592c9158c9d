/* fault.h - signals that end the process, and faults at secrets' addresses. */
#ifndef LOAM_SECRET_FAULT_H
#define LOAM_SECRET_FAULT_H

#include "base/base.h"

/* Take each fatal signal that has its default action; and faults, whoever has them. Under range_lock. */
HIDDEN void fault_watch(void);

#endif
