/*
 * cxx.cpp - C++ over the heap: every form of operator new and delete, and destructors of thread_local objects.
 *
 * Source: C++17 [new.delete], [basic.stc.thread].
 */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

extern "C" {
#include <cmocka.h>
}

#include "allocator.h"

namespace
{

constexpr std::size_t huge = PTRDIFF_MAX;
constexpr std::size_t sizes[] = {0, 1, 8, 16, 100, 1000, 10000, 100000, 3000000};
constexpr std::size_t alignments[] = {8, 16, 32, 64, 256, 4096, 65536, 2097152};

void use(void *object, std::size_t size)
{
    assert_non_null(object);
    assert_true(reinterpret_cast<std::uintptr_t>(object) % (size > 8 ? 16 : 8) == 0);
    std::memset(opaque(object), 1, size);
}

void use_aligned(void *object, std::size_t size, std::size_t alignment)
{
    assert_non_null(object);
    assert_true(reinterpret_cast<std::uintptr_t>(object) % alignment == 0);
    std::memset(opaque(object), 1, size);
}

void plain_new_and_delete(void **)
{
    for (std::size_t size : sizes) {
        void *object = ::operator new(opaque_size(size));
        use(object, size);
        ::operator delete(object);
        object = ::operator new[](opaque_size(size));
        use(object, size);
        ::operator delete[](object);
    }
}

void delete_of_null_does_nothing(void **)
{
    ::operator delete(opaque(nullptr));
    ::operator delete[](opaque(nullptr));
    ::operator delete(opaque(nullptr), std::align_val_t(64));
}

void new_of_zero_is_an_object_of_its_own(void **)
{
    void *one = ::operator new(opaque_size(0));
    void *other = ::operator new(opaque_size(0));

    assert_ptr_not_equal(one, other);
    ::operator delete(one);
    ::operator delete(other);
}

void sized_delete(void **)
{
    for (std::size_t size : sizes) {
        ::operator delete(opaque(::operator new(opaque_size(size))), size);
        ::operator delete[](opaque(::operator new[](opaque_size(size))), size);
    }
}

void nothrow_new_and_delete(void **)
{
    for (std::size_t size : sizes) {
        void *object = ::operator new(opaque_size(size), std::nothrow);
        use(object, size);
        ::operator delete(object, std::nothrow);
        object = ::operator new[](opaque_size(size), std::nothrow);
        use(object, size);
        ::operator delete[](object, std::nothrow);
    }
}

void aligned_new_and_delete(void **)
{
    for (std::size_t alignment : alignments) {
        for (std::size_t size : sizes) {
            auto value = std::align_val_t(alignment);
            void *object = ::operator new(opaque_size(size), value);
            use_aligned(object, size, alignment);
            ::operator delete(object, value);
            object = ::operator new[](opaque_size(size), value);
            use_aligned(object, size, alignment);
            ::operator delete[](object, value);
        }
    }
}

void aligned_sized_delete(void **)
{
    for (std::size_t alignment : alignments) {
        for (std::size_t size : sizes) {
            auto value = std::align_val_t(alignment);
            ::operator delete(opaque(::operator new(opaque_size(size), value)), size, value);
            ::operator delete[](opaque(::operator new[](opaque_size(size), value)), size, value);
        }
    }
}

void aligned_nothrow_new_and_delete(void **)
{
    for (std::size_t alignment : alignments) {
        for (std::size_t size : sizes) {
            auto value = std::align_val_t(alignment);
            void *object = ::operator new(opaque_size(size), value, std::nothrow);
            use_aligned(object, size, alignment);
            ::operator delete(object, value, std::nothrow);
            object = ::operator new[](opaque_size(size), value, std::nothrow);
            use_aligned(object, size, alignment);
            ::operator delete[](object, value, std::nothrow);
        }
    }
}

void objects_new_by_one_form_are_deleted_by_free(void **)
{
    /* Not by the standard, but by every C++ library: they stand on one heap. */
    for (std::size_t size : sizes)
        free(opaque(::operator new(opaque_size(size))));
}

template <typename Allocate> bool throws_bad_alloc(Allocate allocate)
{
    try {
        allocate();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

void a_huge_size_throws_bad_alloc(void **)
{
    auto value = std::align_val_t(64);

    assert_true(throws_bad_alloc([] { opaque(::operator new(opaque_size(huge))); }));
    assert_true(throws_bad_alloc([] { opaque(::operator new[](opaque_size(huge))); }));
    assert_true(throws_bad_alloc([] { opaque(::operator new(opaque_size(SIZE_MAX))); }));
    assert_true(throws_bad_alloc([=] { opaque(::operator new(opaque_size(huge), value)); }));
    assert_true(throws_bad_alloc([=] { opaque(::operator new[](opaque_size(huge), value)); }));
}

void nothrow_new_of_a_huge_size_is_null(void **)
{
    auto value = std::align_val_t(64);

    assert_null(::operator new(opaque_size(huge), std::nothrow));
    assert_null(::operator new[](opaque_size(huge), std::nothrow));
    assert_null(::operator new(opaque_size(SIZE_MAX), std::nothrow));
    assert_null(::operator new(opaque_size(huge), value, std::nothrow));
    assert_null(::operator new[](opaque_size(huge), value, std::nothrow));
}

int handler_calls;

void give_up_at_the_third_call()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

template <typename Allocate> int count_handler_calls(Allocate allocate)
{
    handler_calls = 0;
    std::set_new_handler(give_up_at_the_third_call);
    throws_bad_alloc(allocate);
    std::set_new_handler(nullptr);
    return handler_calls;
}

void the_new_handler_is_called_until_it_gives_up(void **)
{
    auto value = std::align_val_t(64);

    assert_int_equal(count_handler_calls([] { opaque(::operator new(opaque_size(huge))); }), 3);
    assert_int_equal(count_handler_calls([] { opaque(::operator new[](opaque_size(huge))); }), 3);
    assert_int_equal(count_handler_calls([] { opaque(::operator new(opaque_size(huge), std::nothrow)); }), 3);
    assert_int_equal(count_handler_calls([=] { opaque(::operator new(opaque_size(huge), value)); }), 3);
}

void the_new_handler_may_throw(void **)
{
    std::set_new_handler([] { throw std::bad_alloc(); });
    assert_true(throws_bad_alloc([] { opaque(::operator new(opaque_size(huge))); }));
    assert_null(::operator new(opaque_size(huge), std::nothrow));
    std::set_new_handler(nullptr);
}

struct alignas(128) over_aligned {
    char bytes[300];
};

void containers_keep_what_they_hold(void **)
{
    std::vector<std::string> strings;
    std::vector<std::unique_ptr<over_aligned>> objects;

    for (int i = 0; i < 10000; i++) {
        strings.push_back(std::to_string(i) + std::string(i % 200, 'x'));
        objects.push_back(std::make_unique<over_aligned>());
        assert_true(reinterpret_cast<std::uintptr_t>(objects.back().get()) % 128 == 0);
    }
    for (int i = 0; i < 10000; i++)
        assert_true(strings[i] == std::to_string(i) + std::string(i % 200, 'x'));
}

struct last_words {
    std::string *left = nullptr;
    std::vector<std::string> held;

    ~last_words()
    {
        std::vector<std::string> more(held);
        more.push_back(std::string(100000, 'z'));
        if (left)
            *left = more.front() + more.back().substr(0, 3);
    }
};

thread_local last_words words;

void destructors_of_thread_locals_can_allocate(void **)
{
    for (int i = 0; i < 20; i++) {
        std::string left;
        std::thread([&left] {
            words.left = &left;
            words.held.assign(100, std::string(1000, 'y'));
        }).join();
        assert_true(left == std::string(1000, 'y') + "zzz");
    }
}

void exceptions_can_be_thrown_in_many_threads(void **)
{
    std::vector<std::thread> threads;

    for (int i = 0; i < 8; i++) {
        threads.emplace_back([] {
            for (int j = 0; j < 1000; j++) {
                try {
                    throw std::string(j, 'e');
                } catch (const std::string &text) {
                    if (text.size() != std::size_t(j))
                        std::abort();
                }
            }
        });
    }
    for (auto &thread : threads)
        thread.join();
}

void the_heap_is_valid_after_all_this(void **)
{
    assert_int_equal(heap_validate(), 0);
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(plain_new_and_delete),
        cmocka_unit_test(delete_of_null_does_nothing),
        cmocka_unit_test(new_of_zero_is_an_object_of_its_own),
        cmocka_unit_test(sized_delete),
        cmocka_unit_test(nothrow_new_and_delete),
        cmocka_unit_test(aligned_new_and_delete),
        cmocka_unit_test(aligned_sized_delete),
        cmocka_unit_test(aligned_nothrow_new_and_delete),
        cmocka_unit_test(objects_new_by_one_form_are_deleted_by_free),
        cmocka_unit_test(a_huge_size_throws_bad_alloc),
        cmocka_unit_test(nothrow_new_of_a_huge_size_is_null),
        cmocka_unit_test(the_new_handler_is_called_until_it_gives_up),
        cmocka_unit_test(the_new_handler_may_throw),
        cmocka_unit_test(containers_keep_what_they_hold),
        cmocka_unit_test(destructors_of_thread_locals_can_allocate),
        cmocka_unit_test(exceptions_can_be_thrown_in_many_threads),
        cmocka_unit_test(the_heap_is_valid_after_all_this),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
