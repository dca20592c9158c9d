/*
 * memory_routines.c - the routines of raw memory, memory(3) and string(3), each once: loam's of loam/mem.h.
 *
 * They are the standard's functions under names of their own. A program that is started with LD_PRELOAD=libloam-mem.so
 * has them under the standard names.
 */
#include <loam/mem.h>

#include <stdio.h>

static const char *sign(int number)
{
    return number < 0 ? "less" : number > 0 ? "greater" : "equal";
}

static void copy(void)
{
    char line[32] = "0123456789", other[32], *end;

    loam_memcpy(other, line, 11);
    printf("memcpy       %s\n", other);
    loam_memmove(line + 2, line, 8); /* the two overlap */
    printf("memmove      %s\n", line);
    end = loam_mempcpy(loam_mempcpy(other, "one, ", 5), "two", 4); /* returns the end: what follows goes there */
    printf("mempcpy      %s, %td bytes\n", other, end - other);
    end = loam_memccpy(other, "key=value", '=', 9); /* up to and with the byte */
    printf("memccpy      %.*s\n", (int)(end - other), other);
}

static void set(void)
{
    char secret[32] = "a password", line[32] = "**********";

    loam_memset(line, '-', 5);
    printf("memset       %s\n", line);
    loam_explicit_bzero(secret, sizeof(secret)); /* no compiler takes it out, though nothing reads it after */
    printf("bzero        %d\n", secret[0]);
}

static void compare(void)
{
    printf("memcmp       %s, %s, %s\n", sign(loam_memcmp("abc", "abd", 3)), sign(loam_memcmp("abc", "abd", 2)),
           sign(loam_memcmp("\xff", "a", 1))); /* bytes are unsigned */
}

static void find(void)
{
    const char text[] = "a rose is a rose";
    const char *first = loam_memchr(text, 'r', sizeof(text)), *last = loam_memrchr(text, 'r', sizeof(text));
    const char *end = loam_rawmemchr(text, '\0'); /* which must be there */
    const char *rose = loam_memmem(text + 3, sizeof(text) - 3, "rose", 4);

    printf("memchr       %td\n", first - text);
    printf("memrchr      %td\n", last - text);
    printf("rawmemchr    %td\n", end - text);
    printf("memmem       %td\n", rose - text);
    printf("not there    %s\n", loam_memmem(text, sizeof(text), "tulip", 5) ? "found" : "NULL");
}

int main(void)
{
    copy();
    set();
    compare();
    find();
    return 0;
}
