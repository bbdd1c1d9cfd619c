# add_verbs(sources VERBS a b …): the sources of a program's verbs into the variable `sources`. VERB.cc, in this folder
# or in a library behind it, defines add_VERB; the table of them is made from the list, whose order is that of --help.
function(add_verbs sources)
  cmake_parse_arguments(V "" "" "VERBS" ${ARGN})
  set(table ${CMAKE_CURRENT_BINARY_DIR}/verb_table.cc)
  set(files ${table})
  foreach(verb ${V_VERBS})
    string(APPEND declarations "void add_${verb}(CLI::App& app, Session& session);\n")
    string(APPEND names "add_${verb}, ")
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${verb}.cc)
      list(APPEND files ${verb}.cc)
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${table} CONTENT
"#include \"cli/verbs.h\"\n
namespace maru::cli {\n
@declarations@
std::span<const AddVerb> all_verbs() {
  static constexpr AddVerb kAll[]{@names@};
  return kAll;
}\n
}  // namespace maru::cli\n" @ONLY)
  set(${sources} ${files} PARENT_SCOPE)
endfunction()
