# add_module: a folder of src/ as a static library plus its test executable.
# The DEPS of a folder's CMakeLists.txt are all it may use, and the only place where that is said: `tests/tidy` reads
# them there, checks every #include by them, that they form no circle, and that docs/ARCHITECTURE.md says the same.
file(GLOB_RECURSE MARU_FOLDERS CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} src/CMakeLists.txt)
list(TRANSFORM MARU_FOLDERS REPLACE "/CMakeLists.txt$" "")

set(MARU_WARNINGS -Wall -Wextra -Wno-missing-field-initializers -Wno-unknown-pragmas)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 warns falsely on string concatenation and on moved strings (GCC bugs 105651, 105562); clang checks both.
  list(APPEND MARU_WARNINGS -Wno-restrict -Wno-maybe-uninitialized)
endif()
# A warning is an error for the compilers that this is tested with; the new warnings of another one stop nobody.
if(MARU_WERROR AND ((CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
                    OR (CMAKE_CXX_COMPILER_ID STREQUAL Clang AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 20)))
  list(APPEND MARU_WARNINGS -Werror)
endif()

if(MARU_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "MARU_FUZZ needs clang (preset \"fuzz\")")
  endif()
  set(MARU_SANITIZE "fuzzer-no-link,address,undefined")
endif()

function(maru_target target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_compile_options(${target} PRIVATE ${MARU_WARNINGS})
  if(MARU_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${MARU_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${MARU_SANITIZE})
  endif()
endfunction()

function(maru_test target)
  maru_target(${target})
  compile_fast(${target})
  use_precompiled(${target} test LIBRARIES GTest::gmock GTest::gtest HEADERS <gmock/gmock.h> <gtest/gtest.h>)
endfunction()

# add_module(name SOURCES … DEPS … LIBRARIES … TESTS … TEST_DEPS …)
#   DEPS       other modules (public); LIBRARIES  outside libraries (private unless the headers need them)
#   PUBLIC_LIBRARIES  outside libraries that the module's headers include
#   VERBS      it is what people call: its headers are those of the command line
#   TEST_DEPS  other modules that only the tests use
function(add_module name)
  cmake_parse_arguments(M "VERBS" "" "SOURCES;DEPS;LIBRARIES;PUBLIC_LIBRARIES;TESTS;TEST_DEPS" ${ARGN})
  add_library(${name} STATIC ${M_SOURCES})
  maru_target(${name})
  if(M_VERBS)
    compile_fast(${name})
    use_precompiled(${name} verbs HEADERS <CLI/CLI.hpp>)
  else()
    use_precompiled(${name} library)
  endif()
  target_link_libraries(${name} PUBLIC ${M_DEPS} ${M_PUBLIC_LIBRARIES} PRIVATE ${M_LIBRARIES})
  if(MARU_TESTS AND M_TESTS)
    add_executable(${name}_test ${M_TESTS})
    maru_test(${name}_test)
    target_link_libraries(${name}_test PRIVATE ${name} ${M_TEST_DEPS} ${M_LIBRARIES} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${name}
                         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()
