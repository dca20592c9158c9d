/*
 * misuse.cpp - programs with one misuse of memory each, and the same ones without it.
 *
 *     misuse list            a line per case: number, kind, where it can be caught, name
 *     misuse NUMBER bad      do it wrong
 *     misuse NUMBER good     do it right
 *
 * A case is an object of some size from some routine, that goes some way through the program to where it is used, and a
 * use of it. The list is made of all uses, with sizes, routines and ways paired so that each meets many of the others.
 *
 * Where it can be caught: "access", when it happens; "later", by the bytes around the object, when it is freed or at
 * the end; "size", at the access if the object's size is a multiple of its alignment, and else later; "start", at the
 * access, but only where objects lie behind their guard page; "end", when the program ends. "far": the access meets
 * some other object's guard, and which one is told depends on where that lies.
 */
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <pthread.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

using byte = volatile unsigned char;

/* What a use is given. */
struct Use {
    unsigned char *object;
    std::size_t size;
    bool bad;
    void (*free)(void *);
};

/* Keeps what the compiler must not see through. */
template <typename T> T opaque(T value)
{
    T volatile hidden = value;
    return hidden;
}

volatile unsigned sink;

void churn(int count)
{
    for (int i = 0; i < count; i++) {
        void *p = std::malloc(std::size_t(16 + i % 300));
        std::memset(p, i, 16);
        std::free(p);
    }
}

/* Stale copies of a pointer, on the stack and in the registers that functions leave alone, would hide its loss. */
template <std::size_t Size> void wipe_frame()
{
    byte local[Size];
    for (byte &b : local)
        b = 0;
}

void wipe_stack()
{
    wipe_frame<32768>();
}

__attribute__((always_inline)) inline void wipe_registers()
{
#ifdef __x86_64__
    __asm__ volatile("xor %%ebx, %%ebx\n\txor %%r12d, %%r12d\n\txor %%r13d, %%r13d\n\txor %%r14d, %%r14d\n\t"
                     "xor %%r15d, %%r15d\n\t"
                     "pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3"
                     :
                     :
                     : "rbx", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3");
#endif
}

/* --- where objects come from --- */

struct Routine {
    const char *name;
    void *(*allocate)(std::size_t size);
    void (*release)(void *object);
};

void *by_malloc(std::size_t size)
{
    return std::malloc(size);
}

void *by_calloc(std::size_t size)
{
    return std::calloc(1, size);
}

void *by_realloc(std::size_t size)
{
    return std::realloc(std::malloc(1), size);
}

void *by_memalign(std::size_t size)
{
    void *object;
    return posix_memalign(&object, 16, size) == 0 ? object : nullptr;
}

void *by_new(std::size_t size)
{
    return ::operator new(size);
}

void *by_new_array(std::size_t size)
{
    return new unsigned char[size];
}

void with_free(void *object)
{
    std::free(object);
}

void with_delete(void *object)
{
    ::operator delete(object);
}

void with_delete_array(void *object)
{
    delete[] static_cast<unsigned char *>(object);
}

const Routine routines[] = {
    {"malloc", by_malloc, with_free},   {"calloc", by_calloc, with_free},
    {"realloc", by_realloc, with_free}, {"posix_memalign", by_memalign, with_free},
    {"new", by_new, with_delete},       {"new[]", by_new_array, with_delete_array},
};

/* --- the ways that an object goes --- */

using Action = void (*)(const Use &use);

struct Way {
    const char *name;
    void (*go)(Action action, const Use &use);
};

void directly(Action action, const Use &use)
{
    action(use);
}

void by_function(Action action, const Use &use)
{
    struct Deep {
        static void go(Action a, const Use &u, int depth)
        {
            if (depth == 0)
                a(u);
            else
                go(a, u, depth - 1);
        }
    };
    Deep::go(action, use, 10);
}

void in_struct(Action action, const Use &use)
{
    struct Holder {
        int before;
        Use use;
        int after;
    };
    Holder *holder = static_cast<Holder *>(std::malloc(sizeof(Holder)));
    holder->use = use;
    action(holder->use);
    std::free(holder);
}

Use global;

void by_global(Action action, const Use &use)
{
    global = use;
    action(global);
    global.object = nullptr;
}

void in_list(Action action, const Use &use)
{
    std::list<Use> list(3, use);
    action(list.back());
}

void in_map(Action action, const Use &use)
{
    std::map<std::string, Use> map{{"a", use}, {"a rather long name for an object", use}};
    action(map.rbegin()->second);
}

void by_callback(Action action, const Use &use)
{
    std::function<void()> later = [action, use] { action(use); };
    later();
}

void by_thread(Action action, const Use &use)
{
    struct Both {
        Action action;
        const Use *use;
    } both = {action, &use};
    pthread_t thread;
    auto run = [](void *argument) -> void * {
        auto *both_there = static_cast<Both *>(argument);
        both_there->action(*both_there->use);
        wipe_stack(); /* it will be kept for another thread */
        return nullptr;
    };
    pthread_create(&thread, nullptr, run, &both);
    pthread_join(thread, nullptr);
}

void late(Action action, const Use &use)
{
    churn(1000);
    action(use);
    churn(1000);
}

const Way ways[] = {
    {"directly", directly},         {"by a function", by_function}, {"in a struct", in_struct},
    {"by a global", by_global},     {"in a list", in_list},         {"in a map", in_map},
    {"by a callback", by_callback}, {"by a thread", by_thread},     {"late", late},
};

/* --- uses --- */

/* Each leaves the object freed. */

template <std::ptrdiff_t Distance> void write_after(const Use &u)
{
    byte *object = u.object;
    object[u.size - 1] = 1;
    if (u.bad)
        object[std::ptrdiff_t(u.size) + Distance] = 1;
    u.free(u.object);
}

template <std::ptrdiff_t Distance> void read_after(const Use &u)
{
    byte *object = u.object;
    object[u.size - 1] = 1;
    sink = object[u.bad ? std::ptrdiff_t(u.size) + Distance : 0];
    u.free(u.object);
}

template <std::ptrdiff_t Distance> void write_before(const Use &u)
{
    byte *object = u.object;
    object[0] = 1;
    if (u.bad)
        object[-Distance] = 1;
    u.free(u.object);
}

template <std::ptrdiff_t Distance> void read_before(const Use &u)
{
    byte *object = u.object;
    object[0] = 1;
    sink = object[u.bad ? -Distance : 0];
    u.free(u.object);
}

template <std::size_t Stride> void write_in_strides(const Use &u)
{
    byte *object = u.object;
    std::size_t end = u.bad ? u.size + 2 * Stride : u.size;
    for (std::size_t i = 0; i < end; i += Stride)
        object[i] = 1;
    u.free(u.object);
}

void write_loop(const Use &u)
{
    byte *object = u.object;
    for (std::size_t i = 0; u.bad ? i <= u.size : i < u.size; i++)
        object[i] = 1;
    u.free(u.object);
}

void write_zero_after(const Use &u)
{
    std::memset(u.object, 'x', u.size);
    opaque(u.object)[u.bad ? u.size : u.size - 1] = 0;
    u.free(u.object);
}

void *(*volatile memcpy_there)(void *, const void *, std::size_t) = std::memcpy;
void *(*volatile memset_there)(void *, int, std::size_t) = std::memset;

void memcpy_into(const Use &u)
{
    std::vector<char> from(u.size + 1);
    std::memcpy(u.object, from.data(), opaque(u.size + u.bad));
    u.free(u.object);
}

void memcpy_from(const Use &u)
{
    std::vector<char> to(u.size + 1);
    std::memset(u.object, 1, u.size);
    std::memcpy(to.data(), u.object, opaque(u.size + u.bad));
    sink = unsigned(to[0]);
    u.free(u.object);
}

void memmove_into(const Use &u)
{
    std::memset(u.object, 1, u.size);
    std::memmove(u.object + u.bad, u.object, opaque(u.size));
    u.free(u.object);
}

void memset_into(const Use &u)
{
    std::memset(u.object, 1, opaque(u.size + u.bad));
    u.free(u.object);
}

void memcpy_before(const Use &u)
{
    std::vector<char> from(u.size);
    std::memcpy(u.object - u.bad, from.data(), opaque(u.size));
    u.free(u.object);
}

void memcmp_with(const Use &u)
{
    std::vector<unsigned char> other(u.size + 1, 1);
    std::memset(u.object, 1, u.size);
    sink = unsigned(std::memcmp(other.data(), u.object, opaque(u.size + u.bad)));
    u.free(u.object);
}

void memchr_in(const Use &u)
{
    std::memset(u.object, 1, u.size);
    sink = std::memchr(u.object, 77, opaque(u.size + u.bad)) != nullptr;
    u.free(u.object);
}

void memmem_in(const Use &u)
{
    std::memset(u.object, 1, u.size);
    sink = memmem(u.object, opaque(u.size + u.bad), "xy", 2) != nullptr;
    u.free(u.object);
}

/* A string that fills the object; its end is missing, or not. */
char *as_string(const Use &u)
{
    std::memset(u.object, 'x', u.size);
    if (!u.bad)
        u.object[u.size - 1] = '\0';
    return reinterpret_cast<char *>(u.object);
}

void strlen_of(const Use &u)
{
    sink = unsigned(std::strlen(as_string(u)));
    u.free(u.object);
}

void strdup_of(const Use &u)
{
    std::free(strdup(as_string(u)));
    u.free(u.object);
}

void strchr_in(const Use &u)
{
    sink = std::strchr(as_string(u), 'y') != nullptr;
    u.free(u.object);
}

std::string of_length(std::size_t length)
{
    return std::string(length, 'a');
}

void strcpy_into(const Use &u)
{
    std::string from = of_length(u.size - !u.bad);
    std::strcpy(reinterpret_cast<char *>(u.object), from.c_str());
    u.free(u.object);
}

void strncpy_into(const Use &u)
{
    std::strncpy(reinterpret_cast<char *>(u.object), "a", opaque(u.size + u.bad));
    u.free(u.object);
}

void strcat_into(const Use &u)
{
    std::string from = of_length(u.size - !u.bad);
    u.object[0] = '\0';
    std::strcat(reinterpret_cast<char *>(u.object), from.c_str());
    u.free(u.object);
}

void sprintf_into(const Use &u)
{
    std::string from = of_length(u.size - !u.bad);
    std::sprintf(reinterpret_cast<char *>(u.object), "%s", from.c_str());
    u.free(u.object);
}

void snprintf_into(const Use &u)
{
    std::string from = of_length(u.size + 10);
    std::snprintf(reinterpret_cast<char *>(u.object), opaque(u.size + u.bad), "%s", from.c_str());
    u.free(u.object);
}

void read_into(const Use &u)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    sink = unsigned(read(zero, u.object, opaque(u.size + u.bad)));
    close(zero);
    u.free(u.object);
}

void fread_into(const Use &u)
{
    FILE *zero = fopen("/dev/zero", "re");
    sink = unsigned(std::fread(u.object, 1, opaque(u.size + u.bad), zero));
    std::fclose(zero);
    u.free(u.object);
}

void recv_into(const Use &u)
{
    int pair[2];
    std::size_t size = std::min<std::size_t>(u.size, 4096);
    std::vector<char> from(size + 1);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        std::abort();
    sink = unsigned(write(pair[0], from.data(), size + u.bad));
    sink = unsigned(recv(pair[1], u.object + u.size - size, opaque(size + u.bad), 0));
    close(pair[0]);
    close(pair[1]);
    u.free(u.object);
}

void write_freed(const Use &u)
{
    byte *object = u.object;
    object[0] = 1;
    if (!u.bad)
        object[u.size / 2] = 1;
    u.free(u.object);
    if (u.bad)
        object[u.size / 2] = 1;
}

void read_freed(const Use &u)
{
    byte *object = u.object;
    object[u.size / 2] = 1;
    if (!u.bad)
        sink = object[u.size / 2];
    u.free(u.object);
    if (u.bad)
        sink = object[u.size / 2];
}

void read_freed_late(const Use &u)
{
    byte *object = u.object;
    object[0] = 1;
    u.free(u.object);
    churn(500);
    if (u.bad)
        sink = object[0];
}

void memcpy_freed(const Use &u)
{
    char to[1];
    std::memset(u.object, 1, u.size);
    u.free(u.object);
    if (u.bad)
        std::memcpy(to, u.object, opaque(std::size_t(1)));
}

void free_twice(const Use &u)
{
    u.free(u.object);
    if (u.bad)
        u.free(opaque(u.object));
}

void free_twice_late(const Use &u)
{
    u.free(u.object);
    churn(500);
    if (u.bad)
        u.free(opaque(u.object));
}

void free_inside(const Use &u)
{
    if (u.bad)
        u.free(opaque(u.object) + 16);
    u.free(u.object);
}

void free_stack(const Use &u)
{
    unsigned char local[64];
    u.free(u.object);
    if (u.bad)
        std::free(opaque(local));
}

unsigned char in_data[64];

void free_global(const Use &u)
{
    u.free(u.object);
    if (u.bad)
        std::free(opaque(in_data));
}

void realloc_freed(const Use &u)
{
    u.free(u.object);
    if (u.bad)
        std::free(std::realloc(opaque(u.object), 10));
}

void use_after_realloc(const Use &u)
{
    u.free(u.object);
    byte *old = static_cast<unsigned char *>(std::malloc(u.size));
    byte *now = static_cast<unsigned char *>(std::realloc(const_cast<unsigned char *>(old), 4 * u.size + 64));
    *(u.bad ? old : now) = 1;
    std::free(const_cast<unsigned char *>(now));
}

void free_by_another(const Use &u)
{
    if (!u.bad)
        u.free(u.object);
    else if (u.free == with_free)
        with_delete(u.object);
    else
        with_free(u.object);
}

void delete_as_array(const Use &u)
{
    u.free(u.object);
    void *object = opaque(::operator new(u.size));
    if (u.bad)
        with_delete_array(object);
    else
        with_delete(object);
}

void lose(const Use &u)
{
    std::memset(u.object, 1, u.size);
    if (!u.bad)
        u.free(u.object);
    const_cast<Use &>(u).object = nullptr;
}

struct Node {
    Node *next;
    void *payload;
};

void lose_ring(const Use &u)
{
    Node *first = static_cast<Node *>(std::malloc(sizeof(Node))),
         *second = static_cast<Node *>(std::malloc(sizeof(Node)));
    *first = {second, u.object};
    *second = {first, nullptr};
    if (!u.bad) {
        u.free(u.object);
        std::free(first);
        std::free(second);
    }
    first = second = nullptr;
    const_cast<Use &>(u).object = nullptr;
}

void *kept;

void lose_by_overwriting(const Use &u)
{
    u.free(u.object);
    kept = std::malloc(u.size);
    if (!u.bad)
        std::free(kept);
    kept = std::malloc(u.size);
    const_cast<Use &>(u).object = nullptr;
}

/* --- the cases --- */

struct Kind {
    const char *kind, *caught, *name;
    Action action;
    std::size_t least, most; /* sizes that it is of use for */
};

constexpr std::size_t any = SIZE_MAX;

const Kind kinds[] = {
    {"overflow write", "size", "write at the end", write_after<0>, 1, any},
    {"overflow write", "size", "write past a loop", write_loop, 1, 2000000},
    {"overflow write", "size", "write a terminator at the end", write_zero_after, 1, any},
    {"overflow write", "access", "write 16 after the end", write_after<16>, 1, any},
    {"overflow write", "access", "write 100 after the end", write_after<100>, 1, any},
    {"overflow write", "access", "write 4,000 after the end", write_after<4000>, 1, any},
    {"overflow write", "far", "write 64 KiB after the end", write_after<65536>, 1, any},
    {"overflow write", "access", "write in strides of 64", write_in_strides<64>, 1, any},
    {"overflow write", "access", "write in strides of 1,000", write_in_strides<1000>, 1, any},
    {"overflow read", "size", "read at the end", read_after<0>, 1, any},
    {"overflow read", "access", "read 16 after the end", read_after<16>, 1, any},
    {"overflow read", "access", "read 100 after the end", read_after<100>, 1, any},
    {"overflow read", "access", "read 4,000 after the end", read_after<4000>, 1, any},
    {"overflow read", "far", "read 64 KiB after the end", read_after<65536>, 1, any},
    {"underflow write", "later", "write 1 before the start", write_before<1>, 1, any},
    {"underflow write", "later", "write 8 before the start", write_before<8>, 1, any},
    {"underflow write", "later", "write 100 before the start", write_before<100>, 1, 3000},
    {"underflow write", "far", "write 4,000 before the start", write_before<4000>, 1, any},
    {"underflow write", "far", "write 64 KiB before the start", write_before<65536>, 1, any},
    {"underflow read", "start", "read 1 before the start", read_before<1>, 1, any},
    {"underflow read", "start", "read 16 before the start", read_before<16>, 1, any},
    {"underflow read", "start", "read 100 before the start", read_before<100>, 1, any},
    {"underflow read", "far start", "read 4,000 before the start", read_before<4000>, 1, any},
    {"underflow read", "far", "read 64 KiB before the start", read_before<65536>, 1, any},
    {"C library", "access", "memcpy into", memcpy_into, 1, any},
    {"C library", "access", "memcpy from", memcpy_from, 1, any},
    {"C library", "access", "memcpy before", memcpy_before, 1, any},
    {"C library", "access", "memmove into", memmove_into, 1, any},
    {"C library", "access", "memset into", memset_into, 1, any},
    {"C library", "access", "memcmp with", memcmp_with, 1, any},
    {"C library", "access", "memchr in", memchr_in, 1, any},
    {"C library", "access", "memmem in", memmem_in, 1, any},
    {"C library", "access", "strlen of", strlen_of, 1, any},
    {"C library", "access", "strdup of", strdup_of, 1, any},
    {"C library", "access", "strchr in", strchr_in, 1, any},
    {"C library", "access", "strcpy into", strcpy_into, 1, any},
    {"C library", "access", "strncpy into", strncpy_into, 1, any},
    {"C library", "access", "strcat into", strcat_into, 1, any},
    {"C library", "access", "sprintf into", sprintf_into, 1, any},
    {"C library", "access", "snprintf into", snprintf_into, 1, any},
    {"C library", "access", "read into", read_into, 1, any},
    {"C library", "access", "fread into", fread_into, 1, any},
    {"C library", "access", "recv into", recv_into, 1, any},
    {"use after free", "access", "write", write_freed, 1, any},
    {"use after free", "access", "read", read_freed, 1, any},
    {"use after free", "access", "read late", read_freed_late, 1, any},
    {"use after free", "access", "memcpy from", memcpy_freed, 1, any},
    {"use after free", "access", "use after realloc", use_after_realloc, 1, any},
    {"invalid free", "access", "free twice", free_twice, 1, any},
    {"invalid free", "access", "free twice, late", free_twice_late, 1, any},
    {"invalid free", "access", "free inside", free_inside, 24, any},
    {"invalid free", "access", "free the stack", free_stack, 1, any},
    {"invalid free", "access", "free a global", free_global, 1, any},
    {"invalid free", "access", "realloc of a freed one", realloc_freed, 1, any},
    {"mismatch", "access", "free by another family", free_by_another, 1, any},
    {"mismatch", "access", "delete[] of new", delete_as_array, 1, any},
    {"leak", "end", "lose", lose, 1, any},
    {"leak", "end", "lose a ring", lose_ring, 1, any},
    {"leak", "end", "lose by overwriting", lose_by_overwriting, 1, any},
};

const std::size_t sizes[] = {1, 7, 16, 24, 32, 100, 256, 1000, 4096, 5000, 65536, 1 << 20, 10 << 20};

struct Case {
    const Kind *kind;
    std::size_t size;
    const Routine *routine;
    const Way *way;
};

template <typename T, std::size_t N> constexpr std::size_t length(const T (&)[N])
{
    return N;
}

constexpr std::size_t ways_of_each = 8;

/* Each kind with eight sizes, routines and ways: their numbers advance by steps that share no factor. */
std::vector<Case> all_cases()
{
    std::vector<Case> cases;

    for (std::size_t k = 0; k < length(kinds); k++) {
        std::size_t size = k * 5;
        for (std::size_t i = 0; i < ways_of_each; i++) {
            do
                size = (size + 5) % length(sizes);
            while (sizes[size] < kinds[k].least || sizes[size] > kinds[k].most);
            cases.push_back(
                {&kinds[k], sizes[size], &routines[(k + i) % length(routines)], &ways[(2 * k + i) % length(ways)]});
        }
    }
    return cases;
}

/* Whether the byte after the object is the first of a page, if the object lies at the end of one. */
bool fills(const Case &c)
{
    return c.size % (c.size > 8 ? 16 : 8) == 0;
}

const char *caught(const Case &c)
{
    if (std::strcmp(c.kind->caught, "size") != 0)
        return c.kind->caught;
    if (fills(c))
        return "access";
    return std::strstr(c.kind->kind, "read") ? "never" : "later";
}

void run(const Case &c, bool bad)
{
    byte distance[8192]; /* from what main() calls after, whose frames may keep words of ours */
    distance[0] = 0;
    Use use = {static_cast<unsigned char *>(c.routine->allocate(c.size)), c.size, bad, c.routine->release};
    c.way->go(c.kind->action, use);
    use.object = nullptr;
}

} // namespace

int main(int argc, char **argv)
{
    std::vector<Case> cases = all_cases();

    if (argc == 2 && std::strcmp(argv[1], "list") == 0) {
        for (std::size_t i = 0; i < cases.size(); i++)
            std::printf("%zu\t%s\t%s\t%s: %zu bytes of %s, %s\n", i, cases[i].kind->kind, caught(cases[i]),
                        cases[i].kind->name, cases[i].size, cases[i].routine->name, cases[i].way->name);
        return 0;
    }
    if (argc != 3)
        return 2;
    run(cases.at(std::strtoul(argv[1], nullptr, 10)), std::strcmp(argv[2], "bad") == 0);
    wipe_stack();
    wipe_registers();
    std::exit(0);
}
