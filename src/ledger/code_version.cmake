# Writes the header with the code's version: the project's version and, inside a git checkout, the commit.
# Runs at every build; the file is only touched when the version changes.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
set(version ${VERSION})
if(status EQUAL 0 AND commit)
  string(APPEND version "+${commit}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define MARU_CODE_VERSION \"@version@\"\n" @ONLY)
