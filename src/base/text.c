/* text.c - see text.h. */
#include "base/text.h"

#include <stdarg.h>

enum { DIGITS_MAX = 20 };

void text_init(struct text *text, char *data, size_t size)
{
    *text = (struct text){.data = data, .size = size};
    data[0] = '\0';
}

static void put(struct text *text, char c)
{
    if (text->length + 1 >= text->size)
        return;
    text->data[text->length++] = c;
    text->data[text->length] = '\0';
}

void text_string(struct text *text, const char *string)
{
    while (*string)
        put(text, *string++);
}

static void put_digits(struct text *text, uint64_t number, unsigned base)
{
    char digits[DIGITS_MAX];
    size_t n = 0;

    do {
        digits[n++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    while (n)
        put(text, digits[--n]);
}

void text_number(struct text *text, uint64_t number)
{
    put_digits(text, number, 10);
}

void text_hex(struct text *text, uint64_t number)
{
    text_string(text, "0x");
    put_digits(text, number, 16);
}

static void put_int(struct text *text, int number)
{
    if (number < 0)
        put(text, '-');
    text_number(text, number < 0 ? (uint64_t) - (int64_t)number : (uint64_t)number);
}

void text_format(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(text, *format);
            continue;
        }
        switch (*++format) {
        case 's':
            text_string(text, va_arg(args, const char *));
            break;
        case 'd':
            put_int(text, va_arg(args, int));
            break;
        case 'u':
            text_number(text, va_arg(args, uint64_t));
            break;
        case 'x':
            text_hex(text, va_arg(args, uint64_t));
            break;
        default:
            put(text, *format);
            break;
        }
    }
    va_end(args);
}
