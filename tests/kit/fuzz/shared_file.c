/* shared_file.c - see shared_file.h. */
#include "shared_file.h"

#include "shared/shared.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = FILE_SLICES * SLICE, NODES = 12 };

static struct {
    char *bytes;
    size_t size;
    size_t records, blocks; /* offsets */
} image;

/* --- the heap that is copied --- */

static void *allocate(struct loam_shared *heap, size_t size)
{
    void *block = loam_shared_alloc(heap, size);

    EXPECT(block);
    return block;
}

/* Blocks of several classes and holders, one that another has freed, and a participant in the middle of a publish. */
static void fill(struct loam_shared *a, struct loam_shared *b)
{
    for (int i = 0; i < NODES; i++) {
        struct loam_shared *heap = i % 2 ? a : b;
        struct loam_shared_cell *node = memset(allocate(heap, 40 + (size_t)i % 3 * 400), 0, 40);
        EXPECT(loam_shared_push(heap, loam_shared_root(heap, "stack"), node, node) == 0);
    }
    EXPECT(loam_shared_publish(a, loam_shared_root(a, "cell"), allocate(a, 100)) == 0);
    EXPECT(loam_shared_publish(a, loam_shared_root(a, "large"), allocate(a, 2 * SLICE)) == 0);
    EXPECT(loam_shared_keep(a, allocate(a, 3 * SLICE - 100)) == 0);
    EXPECT(loam_shared_root(a, "empty"));
    void *given = allocate(a, 500);
    EXPECT(loam_shared_free(b, loam_shared_at(b, loam_shared_offset(a, given), 500)) == 0);
    allocate(b, 2000);
    struct loam_shared_cell *cell = loam_shared_root(b, "cell");
    participant_of(b, b->me)->cell = offset_of(b, cell);
    cell->word = cell_word(cell->word, b->me);
}

static void make_image(void)
{
    struct loam_shared *a, *b;
    struct stat file;

    EXPECT(loam_shared_anonymous(LIMIT, &a) == 0 && loam_shared_open_fd(loam_shared_fd(a), &b) == 0);
    fill(a, b);
    EXPECT(fstat(loam_shared_fd(a), &file) == 0);
    image.size = (size_t)file.st_size;
    image.bytes = malloc(image.size);
    EXPECT(image.bytes && pread(loam_shared_fd(a), image.bytes, image.size, 0) == file.st_size);
    image.records = (size_t)(a->records - a->base);
    image.blocks = (size_t)(a->blocks - a->base);
    loam_shared_close(b);
    loam_shared_close(a);
}

static bool is_zero(const char *page)
{
    static const char zeroes[PAGE_SIZE];

    return memcmp(page, zeroes, PAGE_SIZE) == 0;
}

static void write_at(int fd, const void *data, size_t size, uint64_t offset)
{
    EXPECT(pwrite(fd, data, size, (off_t)offset) == (ssize_t)size);
}

/* What has been used, with holes where that is zeroes; its participants have died. */
static void copy_used(int fd)
{
    EXPECT(ftruncate(fd, (off_t)image.size) == 0);
    write_at(fd, image.bytes, image.records, 0);
    for (size_t at = image.records; at < image.size; at += PAGE_SIZE)
        if (!is_zero(image.bytes + at))
            write_at(fd, image.bytes + at, PAGE_SIZE, at);
}

/* The file ends where records begin. */
static void copy_new(int fd)
{
    struct head head;

    memset(&head, 0, sizeof(head));
    memcpy(&head, image.bytes, offsetof(struct head, high));
    EXPECT(fallocate(fd, 0, 0, (off_t)image.records) == 0);
    write_at(fd, &head, sizeof(head), 0);
}

int file_new(struct input *input)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    EXPECT(fd >= 0);
    if (!image.bytes)
        make_image();
    (take(input) % 8 ? copy_used : copy_new)(fd);
    return fd;
}

/* --- what becomes of it --- */

static uint64_t states_at(void)
{
    return align_up(sizeof(struct head), PAGE_SIZE);
}

uint64_t file_offset(struct input *input)
{
    enum { ANY, HEAD, PARTICIPANT, ROOT, STATE, USED, RETURNED, NOTED, TAGS, BLOCK, PLACES };
    unsigned place = take(input) % PLACES;

    if (place == ANY)
        return take_number(input, 3) & ~7ull;
    unsigned number = take(input), word = take(input);
    uint64_t slice = number % (FILE_SLICES + 1), record = image.records + slice * RECORD;
    switch (place) {
    case HEAD:
        return number % 8 * 8;
    case PARTICIPANT:
        return offsetof(struct head, participants) + number % 6 * sizeof(struct participant) + word % 2 * 8;
    case ROOT:
        return offsetof(struct head, roots) + number % 6 * sizeof(struct root) + word % 8 * 8;
    case STATE:
        return states_at() + slice * sizeof(state_t);
    case USED:
        return record + offsetof(struct record, used) + word % WORDS_MOST * 8;
    case RETURNED:
        return record + offsetof(struct record, returned) + word % WORDS_MOST * 8;
    case NOTED:
        return record + offsetof(struct record, noted);
    case TAGS:
        return record + offsetof(struct record, tags) + word * 8;
    default:
        return image.blocks + slice * SLICE + word * 16;
    }
}

static unsigned take_participant(struct input *input)
{
    static const unsigned most[] = {PARTICIPANTS, PARTICIPANTS + 1, 0x7fff, FREEING | 1, FREEING | 2, 0xffff};
    unsigned number = take(input);

    return number < 256 - LENGTH(most) ? number % 6 : most[number - (256 - LENGTH(most))];
}

static uint64_t take_value(struct input *input)
{
    static const uint64_t values[] = {0, 1, CLASSES, FILE_SLICES, BLOCKS_MOST, PAGE_SIZE, SLICE, ~0ull};
    uint64_t value = values[take(input) % LENGTH(values)];

    return value + take(input) % 8 - 4;
}

static uint64_t take_state(struct input *input, uint64_t value)
{
    enum kind kind = take(input) % (KINDS + 1);

    return state_of(kind, take_participant(input), value & low_bits(40));
}

static uint64_t take_cell(struct input *input)
{
    uint64_t offset = cell_offset(file_offset(input));

    return cell_word(offset, take_participant(input));
}

/* What may lie there, though not now; or is nearly that; or is anything. */
static uint64_t take_word(struct input *input, uint64_t offset, uint64_t old)
{
    switch (take(input) % 8) {
    case 0:
        return old ^ 1ull << take(input) % 64;
    case 1:
        return take_state(input, take(input) % CLASSES);
    case 2: /* the slice itself, or one before */
        return take_state(input, (offset - states_at()) / sizeof(state_t) - take(input) % 4);
    case 3:
        return take_state(input, take_value(input));
    case 4:
        return take_cell(input);
    case 5:
        return take_participant(input) * 0x0001000100010001ull;
    case 6:
        return take_value(input);
    default:
        return take_number(input, 8);
    }
}

/* False when the file ends before. */
static bool read_word(int fd, uint64_t offset, uint64_t *word)
{
    return pread(fd, word, sizeof(*word), (off_t)offset) == sizeof(*word);
}

static void change_word(int fd, struct input *input)
{
    uint64_t offset = file_offset(input), word;

    if (!read_word(fd, offset, &word))
        return;
    word = take_word(input, offset, word);
    write_at(fd, &word, sizeof(word), offset);
}

static void copy_word(int fd, struct input *input)
{
    uint64_t from = file_offset(input), to = file_offset(input), word, old;

    if (read_word(fd, from, &word) && read_word(fd, to, &old))
        write_at(fd, &word, sizeof(word), to);
}

static void make_larger(int fd, struct input *input)
{
    struct stat file;
    size_t slices = take(input) % (FILE_SLICES + 2), pages = take(input) % 3;
    off_t size = (off_t)(image.blocks + slices * SLICE + pages * PAGE_SIZE);

    EXPECT(fstat(fd, &file) == 0);
    if (size > file.st_size)
        EXPECT(ftruncate(fd, size) == 0);
}

static void make_hole(int fd, struct input *input)
{
    uint64_t offset = align_down(file_offset(input), PAGE_SIZE);

    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, PAGE_SIZE * (1 + take(input) % 32));
}

void file_harm(int fd, struct input *input)
{
    switch (take(input) % 16) {
    case 0:
        make_larger(fd, input);
        break;
    case 1:
        make_hole(fd, input);
        break;
    case 2:
    case 3:
        copy_word(fd, input);
        break;
    default:
        change_word(fd, input);
    }
}

void file_cut(int fd, struct input *input)
{
    struct stat file;

    EXPECT(fstat(fd, &file) == 0);
    uint64_t size = (uint64_t)file.st_size - take_number(input, 3) % (uint64_t)file.st_size;
    EXPECT(ftruncate(fd, (off_t)(take(input) % 2 ? align_down(size, PAGE_SIZE) : size)) == 0);
}
