/* option.c - see option.h. */
#include "base/option.h"

#include "base/base.h"
#include "base/report.h"

#include <string.h>

bool option_next(const char **list, struct option_item *out)
{
    const char *at = *list + strspn(*list, ",");
    size_t length = strcspn(at, ","), kept = min_size(length, sizeof(out->text) - 1);

    *list = at + length;
    if (!length)
        return false;
    memcpy(out->text, at, kept);
    out->text[kept] = '\0';
    char *equals = strchr(out->text, '=');
    if (equals)
        *equals = '\0';
    out->name = out->text;
    out->value = equals ? equals + 1 : "1";
    return true;
}

void option_complain(const char *who, const struct option_item *item, const char *wanted)
{
    char buffer[OPTION_ITEM + 256];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_format(&text, "%s: LOAM_OPTIONS: %s=%s is not %s; it is ignored.\n", who, item->name, item->value, wanted);
    report_write(&text);
}
