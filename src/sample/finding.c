/*
 * finding.c - see finding.h.
 *
 * The reporter is no child that the program could wait for by mistake: it is cloned with no signal at its end, and
 * only waited for as such (__WCLONE).
 */
#include "sample/finding.h"

#include "base/report.h"
#include "sample/stacks.h"
#include "sample/words.h"
#include "sys/lock.h"
#include "sys/modules.h"
#include "sys/spawn.h"
#include "sys/sys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TOLD_MAX = 1024, /* findings that are remembered, so as to be told once */
    SUPPRESSED = 10, /* exit status of the reporter */
    TEXT_MAX = 8192,
};

struct findings findings = {.status = -1};

static struct {
    struct lock lock;
    uint64_t told[TOLD_MAX]; /* kind and stack */
    size_t count;
    char text[TEXT_MAX]; /* too large for the stack of a signal handler */
} telling;

/* --- telling by ourselves --- */

static void put_access(struct text *text, const struct finding *f)
{
    if (f->length)
        text_format(text, "%s of %u bytes at", words_access(f->access), (uint64_t)f->length);
    else
        text_format(text, "%s at", words_access(f->access));
}

static void put_place(struct text *text, const struct finding *f)
{
    if (!f->object)
        text_string(text, "; no object is near");
    else if (f->address < f->object)
        text_format(text, ", %u bytes before an object of %u bytes at %x", f->object - f->address, f->object_size,
                    f->object);
    else if (f->address >= f->object + f->object_size)
        text_format(text, ", %u bytes after an object of %u bytes at %x", f->address - f->object - f->object_size,
                    f->object_size, f->object);
    else
        text_format(text, ", %u bytes into an object of %u bytes at %x", f->address - f->object, f->object_size,
                    f->object);
}

static void put_stack(struct text *text, const char *title, int thread, uint32_t number)
{
    const struct stack *stack = stacks_get(number);

    text_format(text, "  %s by thread %d:\n", title, thread);
    for (uint32_t i = 0; stack && i < stack->count; i++) {
        uintptr_t offset;
        const char *module = modules_name((const void *)stack->calls[i], &offset);
        text_format(text, "    %x", stack->calls[i]);
        if (module)
            text_format(text, "  %s+%x", module, offset);
        text_string(text, "\n");
    }
    if (!stack)
        text_string(text, "    (its stack is not known)\n");
}

static void tell_by_ourselves(const struct finding *f)
{
    struct text text;

    text_init(&text, telling.text, sizeof(telling.text));
    text_format(&text, "loam: %s in process %d: ", words_kind(f->kind), f->process);
    put_access(&text, f);
    text_format(&text, " %x", (uint64_t)f->address);
    put_place(&text, f);
    text_string(&text, ".\n");
    put_stack(&text, f->function[0] ? f->function : words_deed(f->kind), f->thread, f->stack);
    if (f->object)
        put_stack(&text, "allocated", f->origin.taken_by, f->origin.taken);
    if (f->origin.given)
        put_stack(&text, "freed", f->origin.given_by, f->origin.given);
    report_write(&text);
}

/* --- telling by another process --- */

int findings_report(const char *what, uintptr_t subject)
{
    char process[24], address[24];
    struct text text;

    text_init(&text, process, sizeof(process));
    text_format(&text, "%d", sys_pid());
    text_init(&text, address, sizeof(address));
    text_format(&text, "%x", (uint64_t)subject);
    const char *const arguments[] = {findings.reporter, "report", what, process, address, NULL};
    return spawn_and_wait(findings.reporter, arguments);
}

/* Whether the same has been told before; the lock is held. */
static bool is_known(const struct finding *f)
{
    uint64_t key = (uint64_t)(f->kind + 1) << 32 | f->stack;

    for (size_t i = 0; i < telling.count; i++)
        if (telling.told[i] == key)
            return true;
    if (telling.count < TOLD_MAX)
        telling.told[telling.count++] = key;
    return false;
}

/* Returns whether the program is to go on. */
static bool tell(const struct finding *f)
{
    int status = findings.reporter[0] ? findings_report("finding", (uintptr_t)f) : -1;

    if (status == SUPPRESSED)
        return true;
    if (status < 0 || status > 1)
        tell_by_ourselves(f);
    return findings.keep_going;
}

bool finding_tell(struct finding *finding)
{
    finding->size = sizeof(*finding);
    finding->process = sys_pid();
    finding->thread = sys_thread();
    lock_take(&telling.lock);
    bool go_on = is_known(finding) || tell(finding);
    if (!go_on && findings.status >= 0)
        sys_exit(findings.status);
    lock_give(&telling.lock);
    return go_on;
}

void finding_stop(struct finding *finding)
{
    if (!finding_tell(finding))
        abort();
}

void finding_after_fork(void)
{
    lock_init(&telling.lock);
}
