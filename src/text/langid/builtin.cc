// The model file inside the program: the assembler copies its bytes into the read-only data of this object.
#include "text/langid/langid.h"

// clang-format off
__asm__(
    ".pushsection .rodata\n"
    ".global maru_langid_begin\n"
    ".global maru_langid_end\n"
    ".balign 16\n"
    "maru_langid_begin:\n"
    ".incbin \"" MARU_LANGID_FILE "\"\n"
    "maru_langid_end:\n"
    ".byte 0\n"
    ".popsection\n");
// clang-format on

extern "C" {
extern const char maru_langid_begin[], maru_langid_end[];  // NOLINT: assembler names
}

namespace maru::text {

LanguageIdentifier LanguageIdentifier::builtin() {
  const std::string_view bytes(maru_langid_begin, static_cast<size_t>(maru_langid_end - maru_langid_begin));
  return parse(bytes, "built-in language model").value();
}

}  // namespace maru::text
