/* fault.h - signals that end the process, and faults at secrets' addresses. */
#ifndef LOAM_SECRET_FAULT_H
#define LOAM_SECRET_FAULT_H

#include "base/base.h"

/* Take each fatal signal that has its default action; and faults, whoever has them. Under range_lock. */
HIDDEN void fault_watch(void);

/* For a thread whose secrets have been wiped under it: sleep until the process ends. */
_Noreturn HIDDEN void fault_sleep(void);

#endif
