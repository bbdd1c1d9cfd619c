// assets/scripts.txt inside the program, as langid_builtin.cc has its model.
#include "text/tokenizer/files/script_lines.h"

#include <array>
#include <string_view>

// clang-format off
__asm__(
    ".pushsection .rodata\n"
    ".global maru_scripts_begin\n"
    ".global maru_scripts_end\n"
    "maru_scripts_begin:\n"
    ".incbin \"" MARU_SCRIPTS_FILE "\"\n"
    "maru_scripts_end:\n"
    ".byte 0\n"
    ".popsection\n");
// clang-format on

extern "C" {
extern const char maru_scripts_begin[], maru_scripts_end[];  // NOLINT: assembler names
}

namespace maru::text {

std::vector<std::string> script_lines() {
  std::string_view text(maru_scripts_begin, static_cast<size_t>(maru_scripts_end - maru_scripts_begin));
  std::vector<std::string> lines;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    lines.emplace_back(text.substr(0, end));
  constexpr std::array<std::string_view, 6> kBreaks{"\n", "\r\n", "\n\n", "\n\n\n  ", "\t\n ", " \n\t\t"};
  const size_t count = lines.size();
  for (size_t i = 0; i + 1 < count; ++i)
    lines.push_back(lines[i] + std::string(kBreaks[i % kBreaks.size()]) + lines[i + 1]);
  return lines;
}

}  // namespace maru::text
