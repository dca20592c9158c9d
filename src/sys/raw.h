/*
 * raw.h - the instructions that enter the kernel or wait for it, one set per architecture.
 *
 * The kernel's answer is returned as it is: a result, or -errno. libc's wrappers would change errno,
 * which free() must not, and need a libc that has started.
 * Source: syscall(2), "Architecture calling conventions".
 */
#ifndef LOAM_SYS_RAW_H
#define LOAM_SYS_RAW_H

#if defined(__x86_64__)

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Let the other side of a short wait go on. */
static inline void raw_pause(void)
{
    __builtin_ia32_pause();
}

/* The thread's rights to pages that have a protection key, two bits a key. Only where the kernel gives keys out. */
enum { RAW_HAS_KEYS = 1 };

static inline unsigned raw_key_rights(void)
{
    unsigned rights, high;

    __asm__ volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
    return rights;
}

static inline void raw_set_key_rights(unsigned rights)
{
    __asm__ volatile("wrpkru" : : "a"(rights), "d"(0), "c"(0) : "memory");
}

#elif defined(__aarch64__)

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
}

static inline void raw_pause(void)
{
    __asm__ volatile("yield");
}

/* Its permission overlays, of 2022, are not used. */
enum { RAW_HAS_KEYS = 0 };

static inline unsigned raw_key_rights(void)
{
    return 0;
}

static inline void raw_set_key_rights(unsigned rights)
{
    (void)rights;
}

#else
#error "loam knows the system calls of x86-64 and aarch64"
#endif

#endif
