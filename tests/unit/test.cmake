# How the tests of loam are built: each by the standard names and started with the shared library preloaded; or, with
# a sanitizer, by loam's own names and linked with the core.
find_package(Threads REQUIRED) # for each directory: what it finds is known in one alone

# loam_test_build(TARGET): build TARGET for the allocator under test. -fno-builtin, as a compiler that knows what
# malloc does leaves out what a test is there to do.
function(loam_test_build target)
  target_compile_options(${target} PRIVATE -fno-builtin)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${target} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
  if(LOAM_SANITIZE)
    target_compile_definitions(${target} PRIVATE LOAM_TEST_OWN_NAMES)
    target_link_libraries(${target} PRIVATE loam_core)
  endif()
endfunction()

if(NOT TARGET loam_test_support)
  add_library(loam_test_support STATIC ${CMAKE_CURRENT_LIST_DIR}/allocator.c ${CMAKE_CURRENT_LIST_DIR}/memory.c)
  loam_test_build(loam_test_support)
endif()

# loam_test_program(TARGET SOURCE...): a program that uses the allocator under test.
function(loam_test_program target)
  add_executable(${target} ${ARGN})
  loam_test_build(${target})
  target_link_libraries(${target} PRIVATE loam_test_support)
endfunction()

# loam_test_add(NAME LABEL OPTIONS COMMAND...): run COMMAND on loam, with OPTIONS beside those of every test.
function(loam_test_add name label options)
  list(JOIN LOAM_TEST_OPTIONS "," all)
  if(options AND all)
    string(PREPEND options ",")
  endif()
  set(environment "LOAM_OPTIONS=${all}${options}")
  if(LOAM_SANITIZE)
    list(APPEND environment "ASAN_OPTIONS=detect_leaks=0") # a forked child leaves what the test framework holds
  else()
    list(APPEND environment "LD_PRELOAD=$<TARGET_FILE:loam_shared>")
  endif()
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}" LABELS ${label} TIMEOUT 300)
endfunction()
