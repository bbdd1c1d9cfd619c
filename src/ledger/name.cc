#include "ledger/name.h"

#include <string>

#include "base/json.h"
#include "base/temporary.h"

namespace maru::ledger {
namespace {

constexpr char32_t kNone = 0xFFFFFFFF;

/// Takes the first character; kNone where the bytes are not UTF-8.
char32_t take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0 || text.size() < length) return kNone;
  char32_t character = length == 1 ? first : first & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return kNone;
    character = character << 6 | (next & 0x3F);
  }
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  if (overlong || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000)) return kNone;
  text.remove_prefix(length);
  return character;
}

/// Control characters, line and paragraph separators, and the marks that make text be shown in another order.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string broken_rule(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kMaxNameBytes)
    return "it has " + std::to_string(name.size()) + " bytes, expected at most " + std::to_string(kMaxNameBytes);
  if (name[0] == '.') return "it begins with a dot";
  if (name.find_first_of("/\\") != std::string_view::npos) return "it holds a '/' or '\\', expected one part of a path";
  for (std::string_view rest = name; !rest.empty();) {
    const char32_t character = take_character(rest);
    if (character == kNone) return "it is not UTF-8";
    if (is_control(character)) return "it holds a control character";
  }
  return is_temporary(name) ? "Maru gives such names to what it is still writing" : "";
}

}  // namespace

Outcome check_name(std::string_view kind, std::string_view name) {
  const std::string why = broken_rule(name);
  if (why.empty()) return Done{};
  const std::string shown = Json(std::string(name.substr(0, 80))).dump(-1, ' ', true, Json::error_handler_t::replace);
  return {ErrorCode::kInvalidArgument,
          std::string(kind) + ": " + shown + (name.size() > 80 ? "…" : "") + " cannot be a name: " + why};
}

}  // namespace maru::ledger
