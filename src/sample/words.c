/* words.c - see words.h. */
#include "sample/words.h"

#include "sample/finding.h"

static const struct {
    const char *name, *deed;
} kinds[FINDING_COUNT] = {
    [FINDING_OVERFLOW] = {"overflow", "accessed"},
    [FINDING_UNDERFLOW] = {"underflow", "accessed"},
    [FINDING_AFTER_FREE] = {"use after free", "accessed"},
    [FINDING_BROKEN_AFTER] = {"overflow, found later", "found"},
    [FINDING_BROKEN_BEFORE] = {"underflow, found later", "found"},
    [FINDING_BROKEN_FREED] = {"write after free, found later", "found"},
    [FINDING_DOUBLE_FREE] = {"double free", "freed again"},
    [FINDING_INVALID_FREE] = {"invalid free", "freed"},
    [FINDING_MISMATCH] = {"mismatched free", "freed"},
    [FINDING_WRONG_SIZE] = {"free with the wrong size", "freed"},
    [FINDING_INVALID_POINTER] = {"invalid pointer", "given to realloc or malloc_usable_size"},
    [FINDING_OVERLAP] = {"overlapping arguments", "copied"},
};

static const char *const accesses[] = {[ACCESS_UNKNOWN] = "access", [ACCESS_READ] = "read", [ACCESS_WRITE] = "write"};

static const struct {
    const char *name, *freeing;
} routines[ROUTINE_COUNT] = {
    [ROUTINE_MALLOC] = {"malloc", "free"},
    [ROUTINE_NEW] = {"new", "delete"},
    [ROUTINE_NEW_ARRAY] = {"new[]", "delete[]"},
};

const char *words_kind(unsigned kind)
{
    return kind < LENGTH(kinds) ? kinds[kind].name : "";
}

const char *words_deed(unsigned kind)
{
    return kind < LENGTH(kinds) ? kinds[kind].deed : "";
}

const char *words_access(unsigned access)
{
    return access < LENGTH(accesses) ? accesses[access] : "";
}

const char *words_routine(unsigned routine)
{
    return routine < LENGTH(routines) ? routines[routine].name : "";
}

const char *words_freeing(unsigned routine)
{
    return routine < LENGTH(routines) ? routines[routine].freeing : "";
}
