/*
 * factor.c - take numbers apart into their primes, with numbers of any length that live for one operation each.
 *
 * Every operation allocates its result and nearly every operand is freed right after: blocks of 8 to 32 bytes, a
 * handful alive at a time.
 *
 * Source: J. Pollard, "A Monte Carlo method for factorization", 1975, with R. Brent's cycle finding, 1980; division is
 *         algorithm D of D. Knuth, "The Art of Computer Programming", volume 2, 4.3.1. As a test of allocators, cfrac
 * of B. Zorn and D. Grunwald, "Empirical measurements of six allocation-intensive C programs", 1992.
 */
#include "workload.h"

enum {
    RUNS = 2,
    BATCH = 128, /* steps between two looks for a common factor */
    LIMBS_MAX = 16,
};

static const uint64_t prime_p = 999999999989, prime_q = 1000000000039;

/* Limbs of 32 bits, the lowest first, the highest not 0; 0 has none. Never changed once made. */
struct number {
    uint32_t length;
    uint32_t limbs[];
};

static struct number *make(const uint32_t *limbs, size_t length)
{
    while (length > 0 && limbs[length - 1] == 0)
        length--;
    size_t size = sizeof(struct number) + length * sizeof(uint32_t);
    struct number *made = malloc(size);
    if (!made)
        fail_no_memory(size);
    made->length = (uint32_t)length;
    memcpy(made->limbs, limbs, length * sizeof(uint32_t));
    return made;
}

static struct number *number_of(uint64_t value)
{
    return make((uint32_t[]){(uint32_t)value, (uint32_t)(value >> 32)}, 2);
}

static int compare(const struct number *a, const struct number *b)
{
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    for (size_t i = a->length; i-- > 0;)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

static struct number *multiply(const struct number *a, const struct number *b)
{
    uint32_t product[LIMBS_MAX] = {0};

    for (size_t i = 0; i < a->length; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b->length; j++) {
            carry += (uint64_t)a->limbs[i] * b->limbs[j] + product[i + j];
            product[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        product[i + b->length] = (uint32_t)carry;
    }
    return make(product, a->length + b->length);
}

static struct number *add_small(const struct number *a, uint32_t small)
{
    uint32_t sum[LIMBS_MAX] = {0};
    uint64_t carry = small;

    for (size_t i = 0; i < a->length; i++, carry >>= 32)
        sum[i] = (uint32_t)(carry += a->limbs[i]);
    sum[a->length] = (uint32_t)carry;
    return make(sum, a->length + 1);
}

/* The difference, whichever is the larger. */
static struct number *distance(const struct number *a, const struct number *b)
{
    const struct number *high = compare(a, b) < 0 ? b : a;
    const struct number *low = high == a ? b : a;
    uint32_t difference[LIMBS_MAX];
    int64_t carry = 0;

    for (size_t i = 0; i < high->length; i++, carry >>= 32)
        difference[i] = (uint32_t)(carry += (int64_t)high->limbs[i] - (i < low->length ? low->limbs[i] : 0));
    return make(difference, high->length);
}

/* to[0..length] = from << shift, which is below 32. */
static void shift_left(uint32_t *to, const struct number *from, unsigned shift)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < from->length; i++, carry >>= 32)
        to[i] = (uint32_t)(carry |= (uint64_t)from->limbs[i] << shift);
    to[from->length] = (uint32_t)carry;
}

/* u -= q * v, over n + 1 limbs. Returns the borrow. */
static int64_t subtract_multiple(uint32_t *u, const uint32_t *v, size_t n, uint64_t q)
{
    uint64_t product = 0;
    int64_t borrow = 0;

    for (size_t i = 0; i <= n; i++, product >>= 32, borrow >>= 32) {
        product += i < n ? q * v[i] : 0;
        borrow += (int64_t)u[i] - (int64_t)(uint32_t)product;
        u[i] = (uint32_t)borrow;
    }
    return borrow;
}

static uint64_t add_back(uint32_t *u, const uint32_t *v, size_t n)
{
    uint64_t carry = 0;

    for (size_t i = 0; i <= n; i++, carry >>= 32)
        u[i] = (uint32_t)(carry += (uint64_t)u[i] + (i < n ? v[i] : 0));
    return carry;
}

/* The limb of the quotient is guessed from the highest ones; the guess is at most 2 too large. */
static void divide_step(uint32_t *u, const uint32_t *v, size_t n)
{
    uint64_t guess = ((uint64_t)u[n] << 32 | u[n - 1]) / v[n - 1];
    int64_t borrow = subtract_multiple(u, v, n, guess < UINT32_MAX ? guess : UINT32_MAX);

    while (borrow < 0)
        borrow += (int64_t)add_back(u, v, n);
}

static struct number *remainder_of(const struct number *a, const struct number *m)
{
    uint32_t u[LIMBS_MAX + 1], v[LIMBS_MAX + 1];
    size_t n = m->length;

    if (compare(a, m) < 0)
        return make(a->limbs, a->length);
    unsigned shift = (unsigned)__builtin_clz(m->limbs[n - 1]);
    shift_left(u, a, shift);
    shift_left(v, m, shift);
    for (size_t i = a->length - n + 1; i-- > 0;)
        divide_step(u + i, v, n);
    for (size_t i = 0; i < n; i++)
        u[i] = (uint32_t)(((uint64_t)(i + 1 < n ? u[i + 1] : 0) << 32 | u[i]) >> shift);
    return make(u, n);
}

/* a * b modulo m; both are freed. */
static struct number *multiply_modulo(struct number *a, struct number *b, const struct number *m)
{
    struct number *product = multiply(a, b);
    struct number *result = remainder_of(product, m);

    free(product);
    free(a);
    free(b);
    return result;
}

/* x * x + c modulo m; x is freed. */
static struct number *next(struct number *x, uint32_t c, const struct number *m)
{
    struct number *square = multiply(x, x);
    struct number *sum = add_small(square, c);
    struct number *result = remainder_of(sum, m);

    free(square);
    free(sum);
    free(x);
    return result;
}

static struct number *common_factor(const struct number *x, const struct number *y)
{
    struct number *a = make(x->limbs, x->length), *b = make(y->limbs, y->length);

    while (b->length) {
        struct number *rest = remainder_of(a, b);
        free(a);
        a = b;
        b = rest;
    }
    free(b);
    return a;
}

/* Whether the product of the distances has told a factor of n. Ends with another product, of one distance. */
static bool found(const struct number *product, const struct number *n, const struct number *p, const struct number *q)
{
    struct number *factor = common_factor(product, n);
    bool is_one = factor->length == 1 && factor->limbs[0] == 1;
    bool is_all = compare(factor, n) == 0;

    if (!is_one && !is_all && compare(factor, p) != 0 && compare(factor, q) != 0)
        fail_corrupted(factor, sizeof(*factor));
    free(factor);
    return !is_one;
}

static void factorize(const struct number *n, const struct number *p, const struct number *q, uint32_t c)
{
    struct number *slow = number_of(2), *fast = number_of(2), *product = number_of(1);
    size_t steps = 0, next_power = 1;

    for (;;) {
        fast = next(fast, c, n);
        product = multiply_modulo(product, distance(fast, slow), n);
        if (++steps % BATCH == 0 && found(product, n, p, q))
            break;
        if (steps == next_power) {
            free(slow);
            slow = make(fast->limbs, fast->length);
            next_power *= 2;
        }
    }
    free(slow);
    free(fast);
    free(product);
}

void factor_run(const struct job *job)
{
    struct number *p = number_of(prime_p), *q = number_of(prime_q), *n = multiply(p, q);

    for (uint32_t c = 1; c <= job_amount(job, RUNS); c++)
        factorize(n, p, q, c);
    free(p);
    free(q);
    free(n);
}
