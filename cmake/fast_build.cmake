# How a clean build takes less time: outside headers that most sources include are parsed once for each kind of target,
# and what runs once is compiled for the compiler's time rather than its own. The launchers, which build once, ask for it.
# Who works on the sources builds without, as ccache then knows most of it, and includes that are missing are found.
option(MARU_FAST_BUILD "Spend less time on a clean build" OFF)

set(MARU_PRECOMPILED <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <filesystem>
    <functional> <limits> <map> <memory> <mutex> <numeric> <optional> <set> <span> <sstream> <string> <string_view> <thread>
    <tuple> <type_traits> <unordered_map> <unordered_set> <utility> <variant> <vector> <fmt/format.h> <nlohmann/json.hpp>)

# Tests, and the verbs of the program.
function(compile_fast target)
  if(MARU_FAST_BUILD)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
endfunction()

# use_precompiled(TARGET KIND LIBRARIES… HEADERS…): the target is compiled with the flags of its kind, and no others that
# a header could see. The first target of a kind says what the kind is.
function(use_precompiled target kind)
  cmake_parse_arguments(P "" "" "LIBRARIES;HEADERS" ${ARGN})
  if(NOT MARU_FAST_BUILD)
    return()
  endif()
  if(NOT TARGET precompiled_${kind})
    set(source ${CMAKE_BINARY_DIR}/precompiled_${kind}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "int main() { return 0; }\n")
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)
      add_executable(precompiled_${kind} EXCLUDE_FROM_ALL ${source})
    else()
      add_library(precompiled_${kind} OBJECT EXCLUDE_FROM_ALL ${source})
    endif()
    maru_target(precompiled_${kind})
    get_target_property(options ${target} COMPILE_OPTIONS)
    set_target_properties(precompiled_${kind} PROPERTIES COMPILE_OPTIONS "${options}")
    target_link_libraries(precompiled_${kind} PRIVATE fmt::fmt nlohmann_json::nlohmann_json Threads::Threads ${P_LIBRARIES})
    target_precompile_headers(precompiled_${kind} PRIVATE ${MARU_PRECOMPILED} ${P_HEADERS})
  endif()
  target_precompile_headers(${target} REUSE_FROM precompiled_${kind})
  # g++ 12 forgets that a precompiled header is the system's, and warns of it: as errors warnings are for other builds.
  target_compile_options(${target} PRIVATE -Wno-error)
endfunction()
