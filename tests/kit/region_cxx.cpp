/* region_cxx.cpp - scopes of loam/region.h in C++: exceptions end them. */
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

extern "C" {
#include <cmocka.h>
}

#include <loam/region.h>

namespace
{

size_t used(const loam_region *region)
{
    loam_region_usage usage;

    loam_region_measure(region, &usage);
    return usage.used;
}

void throw_in_two_scopes()
{
    LOAM_SCRATCH_SCOPE
    {
        loam_scratch(100);
        LOAM_SCRATCH_SCOPE
        {
            void *large = loam_scratch(100000);
            std::memset(large, 1, 100000);
            throw std::runtime_error("thrown");
        }
    }
}

void test_an_exception_ends_the_scopes_that_it_leaves(void **)
{
    std::string caught;

    LOAM_SCRATCH_SCOPE
    {
        char *outside = static_cast<char *>(loam_scratch(8));
        size_t before = used(&loam_scratch_region);
        std::strcpy(outside, "outside");
        try {
            throw_in_two_scopes();
        } catch (const std::runtime_error &error) {
            caught = error.what();
        }
        assert_string_equal(caught.c_str(), "thrown");
        assert_string_equal(outside, "outside");
        assert_int_equal(used(&loam_scratch_region), before);
    }
    assert_int_equal(used(&loam_scratch_region), 0);
}

void count(void *number)
{
    ++*static_cast<int *>(number);
}

void test_an_exception_does_what_was_deferred(void **)
{
    loam_region *region = loam_region_create();
    int done = 0;

    assert_non_null(region);
    try {
        LOAM_REGION_SCOPE(region)
        {
            assert_int_equal(loam_region_defer(region, count, &done), 0);
            throw 1;
        }
    } catch (int) {
    }
    assert_int_equal(done, 1);
    loam_region_destroy(region);
    assert_int_equal(done, 1);
}

} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(test_an_exception_ends_the_scopes_that_it_leaves),
        cmocka_unit_test(test_an_exception_does_what_was_deferred),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
