/*
 * json.c - see json.h.
 *
 * Source: RFC 8259; RFC 3629 for UTF-8.
 */
#include "json.h"

#include <inttypes.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

/*
 * The length of the UTF-8 sequence at `s`, or 0 when there is none. A terminator is no continuation byte, so nothing
 * is read beyond it. Overlong forms, surrogates and what lies above U+10FFFF are excluded by the second byte.
 */
static int sequence_length(const unsigned char *s)
{
    int length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

    if (length == 1)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4 || s[1] < low || s[1] > high)
        return 0;
    for (int i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return length;
}

void json_string(FILE *out, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;

    fputc('"', out);
    while (*at) {
        int length = sequence_length(at);
        if (length == 0)
            fputs(REPLACEMENT, out);
        else if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < ' ' || *at == 0x7f || *at == '<') /* within a page, </script> would end it */
            fprintf(out, "\\u%04x", *at);
        else
            fwrite(at, 1, (size_t)length, out);
        at += length ? length : 1;
    }
    fputc('"', out);
}

void json_begin(FILE *out, const char *name, int pid)
{
    fputs("{\n  \"loam\": \"" LOAM_VERSION "\",\n  \"name\": ", out);
    json_string(out, name);
    fprintf(out, ",\n  \"pid\": %d", pid);
}

void json_fields(FILE *out, const char *separator, const struct json_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s\"%s\": %" PRIu64, i ? "," : "", separator, fields[i].name, fields[i].value);
}
