/*
 * behave.cpp - what programs do with signals, stacks, processes and threads, said on stdout: to be the same on every
 * heap. `behave list` names them; `behave NAME` does one.
 */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

sigjmp_buf back;
volatile int calls;

void say(const char *text)
{
    if (write(STDOUT_FILENO, text, std::strlen(text)) < 0)
        _exit(9);
}

void allocate_some()
{
    std::vector<std::string> strings;
    for (int i = 0; i < 100; i++)
        strings.push_back(std::string(std::size_t(10 + i * 7), 'x'));
}

void fault()
{
    int *volatile nowhere = reinterpret_cast<int *>(16);
    *nowhere = 1;
}

struct sigaction with(void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigemptyset(&action.sa_mask);
    return action;
}

void go_back(int, siginfo_t *info, void *)
{
    std::printf("address %p, code %d, call %d\n", info->si_addr, info->si_code, int(++calls));
    siglongjmp(back, 1);
}

void own_handler()
{
    struct sigaction action = with(go_back, 0);

    allocate_some();
    sigaction(SIGSEGV, &action, nullptr);
    allocate_some();
    for (int i = 0; i < 3; i++)
        if (sigsetjmp(back, 1) == 0)
            fault();
    std::puts("went on");
}

void no_handler()
{
    allocate_some();
    std::fflush(stdout);
    fault();
}

void sent_signal()
{
    allocate_some();
    std::fflush(stdout);
    kill(getpid(), SIGSEGV);
    std::puts("not reached");
}

void ignored_signal()
{
    allocate_some();
    std::signal(SIGSEGV, SIG_IGN);
    raise(SIGSEGV);
    std::puts("ignored");
    std::fflush(stdout);
    fault();
}

void simple(int number)
{
    say(number == SIGSEGV ? "simple handler\n" : "?\n");
    siglongjmp(back, 1);
}

void what_was_set_is_shown()
{
    struct sigaction action = with(go_back, SA_NODEFER | SA_RESTART), shown;

    allocate_some();
    sigaddset(&action.sa_mask, SIGUSR1);
    std::printf("default: %d\n", std::signal(SIGSEGV, simple) == SIG_DFL);
    std::printf("simple: %d\n", std::signal(SIGSEGV, SIG_IGN) == simple);
    sigaction(SIGSEGV, &action, &shown);
    std::printf("ignore: %d\n", shown.sa_handler == SIG_IGN);
    sigaction(SIGSEGV, nullptr, &shown);
    std::printf("own: %d %x %d %d\n", shown.sa_sigaction == go_back, shown.sa_flags & ~0x04000000,
                sigismember(&shown.sa_mask, SIGUSR1), sigismember(&shown.sa_mask, SIGUSR2));
}

void check_mask(int, siginfo_t *, void *)
{
    sigset_t mask;

    sigprocmask(SIG_SETMASK, nullptr, &mask);
    say(sigismember(&mask, SIGUSR1) ? "SIGUSR1 waits\n" : "SIGUSR1 does not wait\n");
    say(sigismember(&mask, SIGSEGV) ? "SIGSEGV waits\n" : "SIGSEGV does not wait\n");
    siglongjmp(back, 1);
}

void mask_of_handler()
{
    struct sigaction action = with(check_mask, SA_NODEFER);

    allocate_some();
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &action, nullptr);
    if (sigsetjmp(back, 1) == 0)
        fault();
    action.sa_flags &= ~SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, nullptr);
    if (sigsetjmp(back, 1) == 0)
        fault();
}

void handler_for_once()
{
    struct sigaction action = with(go_back, int(SA_RESETHAND));

    allocate_some();
    sigaction(SIGSEGV, &action, nullptr);
    if (sigsetjmp(back, 1) == 0)
        fault();
    std::fflush(stdout);
    fault();
}

volatile int depth;

int recurse(int n)
{
    volatile char frame[4096];

    frame[0] = char(n);
    depth = n;
    return recurse(n + 1) + frame[0];
}

char alternate[64 * 1024];

void on_overflow(int, siginfo_t *, void *)
{
    char here;

    say(&here >= alternate && &here < alternate + sizeof(alternate) ? "on the other stack\n" : "on the same stack\n");
    say(depth > 100 ? "deep\n" : "not deep\n");
    _exit(3);
}

void stack_overflow_caught()
{
    struct sigaction action = with(on_overflow, SA_ONSTACK);
    stack_t stack = {};

    allocate_some();
    stack.ss_sp = alternate;
    stack.ss_size = sizeof(alternate);
    sigaltstack(&stack, nullptr);
    sigaction(SIGSEGV, &action, nullptr);
    recurse(0);
}

void stack_overflow()
{
    allocate_some();
    std::fflush(stdout);
    recurse(0);
}

void child_of_vfork()
{
    struct sigaction action = with(go_back, 0), shown;
    int status = 0;

    allocate_some();
    sigaction(SIGSEGV, &action, nullptr);
    std::fflush(stdout);
    pid_t child = vfork();
    if (child == 0) {
        std::signal(SIGSEGV, SIG_DFL);
        std::free(std::malloc(100));
        execl("/bin/echo", "echo", "executed", static_cast<char *>(nullptr));
        _exit(9);
    }
    waitpid(child, &status, 0);
    sigaction(SIGSEGV, nullptr, &shown);
    std::printf("status %d, handler still there: %d\n", status, shown.sa_sigaction == go_back);
    if (sigsetjmp(back, 1) == 0)
        fault();
    allocate_some();
}

void exceptions()
{
    int caught = 0;

    for (int i = 0; i < 1000; i++) {
        try {
            std::vector<int> numbers(std::size_t(i % 50 + 1));
            std::string text(std::size_t(i % 300), 'y');
            if (i % 3 == 0)
                throw std::runtime_error(text);
            numbers.at(std::size_t(i % 70));
        } catch (const std::out_of_range &) {
            caught += 1;
        } catch (const std::exception &e) {
            caught += int(std::strlen(e.what()) > 100) + 1;
        }
    }
    std::printf("caught %d\n", caught);
}

void jumps()
{
    static jmp_buf there;
    volatile int count = 0;

    setjmp(there);
    void *object = std::malloc(std::size_t(64 + count));
    std::memset(object, 1, 64);
    std::free(object);
    if (++count < 1000)
        longjmp(there, 1);
    std::printf("jumped %d times\n", int(count));
}

void *small_work(void *argument)
{
    std::vector<void *> objects;
    for (std::size_t i = 0; i < 20; i++)
        objects.push_back(std::malloc(16 + 40 * i));
    for (void *object : objects)
        std::free(object);
    return argument;
}

void threads()
{
    std::vector<pthread_t> all(1000);
    pthread_attr_t attributes;
    long sum = 0;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    for (std::size_t i = 0; i < all.size(); i++)
        if (pthread_create(&all[i], &attributes, small_work, reinterpret_cast<void *>(i)) != 0)
            std::abort();
    for (pthread_t thread : all) {
        void *result;
        pthread_join(thread, &result);
        sum += reinterpret_cast<long>(result);
    }
    std::printf("sum %ld\n", sum);
}

void *volatile to_free;

void free_it(int)
{
    std::free(to_free);
    to_free = std::malloc(50);
}

void free_in_handler()
{
    std::signal(SIGUSR1, free_it);
    for (int i = 0; i < 100; i++) {
        to_free = std::malloc(std::size_t(100 + i));
        raise(SIGUSR1);
        std::free(to_free);
    }
    std::puts("freed");
}

void forks()
{
    allocate_some();
    std::fflush(stdout);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            allocate_some();
            std::printf("child %d\n", i);
            std::exit(i);
        }
        int status;
        waitpid(child, &status, 0);
        std::printf("ended with %d\n", WEXITSTATUS(status));
        std::fflush(stdout);
    }
}

const struct {
    const char *name;
    void (*act)();
} acts[] = {
    {"own_handler", own_handler},
    {"no_handler", no_handler},
    {"sent_signal", sent_signal},
    {"ignored_signal", ignored_signal},
    {"what_was_set_is_shown", what_was_set_is_shown},
    {"mask_of_handler", mask_of_handler},
    {"handler_for_once", handler_for_once},
    {"stack_overflow_caught", stack_overflow_caught},
    {"stack_overflow", stack_overflow},
    {"child_of_vfork", child_of_vfork},
    {"exceptions", exceptions},
    {"jumps", jumps},
    {"threads", threads},
    {"free_in_handler", free_in_handler},
    {"forks", forks},
};

} // namespace

int main(int argc, char **argv)
{
    for (const auto &act : acts) {
        if (argc == 2 && std::strcmp(argv[1], "list") == 0)
            std::puts(act.name);
        else if (argc == 2 && std::strcmp(argv[1], act.name) == 0)
            act.act();
    }
    return 0;
}
