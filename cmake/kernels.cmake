# add_kernels(NAME FAMILIES a b … DEPS …): library NAME from <family>/dispatch.cc and, where there is one,
# <family>/cpu.cc, compiled for each instruction set; library NAME_cases from each <family>/cases.cc, with the list of
# their cases made from FAMILIES; NAME_test, which goes through that list (src/kernels/kernel_test.cc), with */*_test.cc.
#   WITHOUT_CASES  those of the families that are measurements, not ops
#   TILES          sources that are compiled for AMX too, or for it alone; other families run their AVX-512 code there
#   TESTS          further ones; PROBES  what they call, compiled for each instruction set
set(MARU_ISA_FLAGS_scalar "")
set(MARU_ISA_FLAGS_avx2 -march=x86-64-v3)
set(MARU_ISA_FLAGS_avx512 -march=x86-64-v4 -mavx512bf16 -mavx512vnni -mprefer-vector-width=512)
set(MARU_ISA_FLAGS_amx ${MARU_ISA_FLAGS_avx512} -mamx-tile -mamx-bf16 -DMARU_ISA_AVX512)
set(MARU_ISAS scalar)
set(MARU_TILES_ISAS)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND MARU_ISAS avx2 avx512)
  set(MARU_TILES_ISAS amx)
endif()

# The sources compiled once for each instruction set of the list `isas`, as NAME_<isa>; their objects into the variable
# `objects`.
function(add_for_each_isa name objects isas)
  set(all)
  foreach(isa ${isas})
    string(TOUPPER ${isa} ISA)
    add_library(${name}_${isa} OBJECT EXCLUDE_FROM_ALL ${ARGN})
    maru_target(${name}_${isa})
    # g++ 12 warns falsely inside its own avx512fintrin.h (GCC bug 105593).
    target_compile_options(${name}_${isa} PRIVATE ${MARU_ISA_FLAGS_${isa}} -fno-math-errno
                           $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
    target_compile_definitions(${name}_${isa} PRIVATE MARU_ISA_${ISA})
    list(APPEND all $<TARGET_OBJECTS:${name}_${isa}>)
  endforeach()
  set(${objects} ${all} PARENT_SCOPE)
endfunction()

# op_cases.cc of the families, in the build: one function each, and the list of what they add.
function(write_op_cases file)
  foreach(family ${ARGN})
    string(APPEND declarations "void ${family}_cases(std::vector<OpCase>& cases);\n")
    string(APPEND calls "  ${family}_cases(cases);\n")
  endforeach()
  file(CONFIGURE OUTPUT ${file} CONTENT
"#include \"kernels/op_case.h\"\n
namespace maru::kernels {\n
@declarations@
std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> cases;
@calls@  return cases;
}\n
}  // namespace maru::kernels\n" @ONLY)
endfunction()

function(add_kernels name)
  cmake_parse_arguments(K "" "" "FAMILIES;WITHOUT_CASES;TILES;TESTS;PROBES;DEPS" ${ARGN})
  set(dispatch ${K_FAMILIES})
  list(TRANSFORM dispatch APPEND /dispatch.cc)
  set(cpu)
  foreach(family ${K_FAMILIES})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${family}/cpu.cc)
      list(APPEND cpu ${family}/cpu.cc)
    endif()
  endforeach()
  add_for_each_isa(${name} objects "${MARU_ISAS}" ${cpu})
  if(K_TILES AND MARU_TILES_ISAS)
    add_for_each_isa(${name} tiles "${MARU_TILES_ISAS}" ${K_TILES})
    list(APPEND objects ${tiles})
  endif()
  set(probes)
  if(MARU_TESTS AND K_PROBES)
    add_for_each_isa(${name}_probe probes "${MARU_ISAS}" ${K_PROBES})
  endif()
  file(GLOB tests RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS */*_test.cc)
  add_module(${name} SOURCES ${dispatch} ${objects} DEPS ${K_DEPS}
             TESTS ${CMAKE_SOURCE_DIR}/src/kernels/kernel_test.cc ${K_TESTS} ${tests} ${probes})

  set(ops ${K_FAMILIES})
  list(REMOVE_ITEM ops "" ${K_WITHOUT_CASES})
  set(list_of_cases ${CMAKE_CURRENT_BINARY_DIR}/op_cases.cc)
  write_op_cases(${list_of_cases} ${ops})
  list(TRANSFORM ops APPEND /cases.cc)
  add_library(${name}_cases STATIC EXCLUDE_FROM_ALL ${list_of_cases} ${ops})
  maru_target(${name}_cases)
  target_link_libraries(${name}_cases PUBLIC ${name} kernel_testing)
  if(MARU_TESTS)
    target_link_libraries(${name}_test PRIVATE ${name}_cases)
    file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/objects.txt CONTENT "$<JOIN:${objects},\n>\n")
    target_compile_definitions(${name}_test PRIVATE MARU_KERNEL_OBJECTS="${CMAKE_CURRENT_BINARY_DIR}/objects.txt")
  endif()
endfunction()
