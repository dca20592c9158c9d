/*
 * logic.c - the complement of Boolean functions, by splitting them variable by variable.
 *
 * A function is a cover: an array of cubes, each with a literal for every variable (0, 1 or either). Splitting makes
 * two new covers with cubes of their own, joining makes one of two and frees those: arrays that grow from a few bytes
 * to some kilobytes, and many small cubes.
 *
 * Source: the unate recursive paradigm of R. Brayton and others, "Logic Minimization Algorithms for VLSI Synthesis"
 *         (espresso), 1984; as a test of allocators, B. Zorn and D. Grunwald, "Empirical measurements of six
 *         allocation-intensive C programs", 1992.
 */
#include "workload.h"

enum {
    VARIABLES = 22,
    CUBES = 24,
    LITERALS = 5, /* of a cube, on average */
    RUNS = 40,
    POINTS = 200, /* at which a complement is checked */
    EITHER = 2,
};

struct cube {
    unsigned char literals[VARIABLES];
};

struct cover {
    struct cube **cubes;
    size_t count, room;
};

static void add(struct cover *cover, struct cube *cube)
{
    if (cover->count == cover->room) {
        cover->room = cover->room ? 2 * cover->room : 4;
        cover->cubes = realloc(cover->cubes, cover->room * sizeof(*cover->cubes));
        if (!cover->cubes)
            fail_no_memory(cover->room * sizeof(*cover->cubes));
    }
    cover->cubes[cover->count++] = cube;
}

static struct cube *copy(const struct cube *cube)
{
    struct cube *made = malloc(sizeof(*made));

    if (!made)
        fail_no_memory(sizeof(*made));
    *made = *cube;
    return made;
}

static struct cube universe(void)
{
    struct cube cube;

    memset(cube.literals, EITHER, sizeof(cube.literals));
    return cube;
}

static void discard(struct cover *cover)
{
    for (size_t i = 0; i < cover->count; i++)
        free(cover->cubes[i]);
    free(cover->cubes);
}

static bool is_universe(const struct cube *cube)
{
    struct cube all = universe();
    return memcmp(cube, &all, sizeof(all)) == 0;
}

/* Whether each point of b is one of a. */
static bool contains(const struct cube *a, const struct cube *b)
{
    for (int v = 0; v < VARIABLES; v++)
        if (a->literals[v] != EITHER && a->literals[v] != b->literals[v])
            return false;
    return true;
}

/* The variable that the most cubes have a literal of. */
static int pick_variable(const struct cover *cover)
{
    size_t used[VARIABLES] = {0};
    int best = 0;

    for (size_t i = 0; i < cover->count; i++)
        for (int v = 0; v < VARIABLES; v++)
            used[v] += cover->cubes[i]->literals[v] != EITHER;
    for (int v = 1; v < VARIABLES; v++)
        if (used[v] > used[best])
            best = v;
    return best;
}

/* What is left of the function where the variable has the value. */
static struct cover cofactor(const struct cover *cover, int variable, unsigned char value)
{
    struct cover result = {0};

    for (size_t i = 0; i < cover->count; i++) {
        unsigned char literal = cover->cubes[i]->literals[variable];
        if (literal != EITHER && literal != value)
            continue;
        struct cube *cube = copy(cover->cubes[i]);
        cube->literals[variable] = EITHER;
        add(&result, cube);
    }
    return result;
}

/* De Morgan: a cube for each literal. */
static struct cover complement_of_cube(const struct cube *cube)
{
    struct cover result = {0};

    for (int v = 0; v < VARIABLES; v++) {
        struct cube opposite = universe();
        if (cube->literals[v] == EITHER)
            continue;
        opposite.literals[v] = !cube->literals[v];
        add(&result, copy(&opposite));
    }
    return result;
}

/* Whether the cube is in one of the cover's first `count`. */
static bool covered(const struct cover *cover, size_t count, const struct cube *cube)
{
    for (size_t i = 0; i < count; i++)
        if (contains(cover->cubes[i], cube))
            return true;
    return false;
}

/* Both together, each cube with its value of the variable; those that both have, once and for either value. */
static struct cover join(struct cover *zero, struct cover *one, int variable)
{
    struct cover result = {0};

    for (size_t i = 0; i < zero->count; i++) {
        struct cube *cube = copy(zero->cubes[i]);
        if (!covered(one, one->count, cube))
            cube->literals[variable] = 0;
        add(&result, cube);
    }
    size_t first = result.count;
    for (size_t i = 0; i < one->count; i++) {
        struct cube *cube = copy(one->cubes[i]);
        cube->literals[variable] = 1;
        if (covered(&result, first, cube))
            free(cube);
        else
            add(&result, cube);
    }
    discard(zero);
    discard(one);
    return result;
}

static struct cover complement(const struct cover *cover)
{
    struct cover result = {0};
    struct cube all = universe();

    for (size_t i = 0; i < cover->count; i++)
        if (is_universe(cover->cubes[i]))
            return result;
    if (cover->count == 0)
        add(&result, copy(&all));
    if (cover->count == 0)
        return result;
    if (cover->count == 1)
        return complement_of_cube(cover->cubes[0]);
    int variable = pick_variable(cover);
    struct cover zero = cofactor(cover, variable, 0), one = cofactor(cover, variable, 1);
    struct cover not_zero = complement(&zero), not_one = complement(&one);
    discard(&zero);
    discard(&one);
    return join(&not_zero, &not_one, variable);
}

static struct cover random_cover(struct random *random)
{
    struct cover result = {0};

    for (int i = 0; i < CUBES; i++) {
        struct cube cube = universe();
        for (int v = 0; v < VARIABLES; v++)
            if (random_below(random, VARIABLES) < LITERALS)
                cube.literals[v] = (unsigned char)random_below(random, 2);
        add(&result, copy(&cube));
    }
    return result;
}

/* At each point exactly one of the two is true. */
static void check(const struct cover *cover, const struct cover *opposite, struct random *random)
{
    for (int i = 0; i < POINTS; i++) {
        struct cube point;
        for (int v = 0; v < VARIABLES; v++)
            point.literals[v] = (unsigned char)random_below(random, 2);
        if (covered(cover, cover->count, &point) == covered(opposite, opposite->count, &point))
            fail_corrupted(opposite->cubes, opposite->room * sizeof(*opposite->cubes));
    }
}

void logic_run(const struct job *job)
{
    struct random random = {7};

    for (size_t left = job_amount(job, RUNS); left > 0; left--) {
        struct cover cover = random_cover(&random);
        struct cover opposite = complement(&cover);
        check(&cover, &opposite, &random);
        discard(&cover);
        discard(&opposite);
    }
}
