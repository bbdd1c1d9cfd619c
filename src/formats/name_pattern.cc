#include "formats/name_pattern.h"

#include <re2/re2.h>

namespace maru::formats {
namespace {

constexpr int64_t kMaxBytes = 512 << 10;

/// What RE2 takes for something else than Python's `re` does; empty: nothing.
std::string unlike_python(std::string_view pattern) {
  for (size_t i = 0; i + 1 < pattern.size(); ++i) {
    const std::string_view two = pattern.substr(i, 2);
    if (two == "[:") return "\"[:\" is not supported";  // Python: two characters; RE2: a class by its name
    if (two[0] != '\\') continue;
    const bool alphanumeric = std::isalnum(static_cast<unsigned char>(two[1])) != 0;
    if (alphanumeric && std::string_view("dDwWsSbB").find(two[1]) == std::string_view::npos)
      return "\"" + std::string(two) + "\" is not supported";
    ++i;
  }
  return "";
}

/// "{,3}" as RE2 spells it, "{0,3}"; not in a class, where it is four characters.
std::string with_lower_bounds(std::string_view pattern) {
  std::string spelled;
  size_t class_begin = std::string_view::npos;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool in_class = class_begin != std::string_view::npos;
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      spelled += pattern.substr(i++, 2);
      continue;
    }
    if (!in_class && pattern[i] == '[')
      class_begin = i + 1 + (pattern.substr(i + 1).starts_with('^') ? 1 : 0);
    else if (in_class && pattern[i] == ']' && i > class_begin)  // the first one is a member
      class_begin = std::string_view::npos;
    spelled += pattern[i];
    if (in_class || !pattern.substr(i).starts_with("{,")) continue;
    const size_t end = pattern.find_first_not_of("0123456789", i + 2);
    if (end != std::string_view::npos && end > i + 2 && pattern[end] == '}') spelled += '0';
  }
  return spelled;
}

}  // namespace

Result<NamePattern> NamePattern::compile(std::string_view pattern, const std::string& where) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxBytes);
  std::string error = unlike_python(pattern);
  const std::string spelled = with_lower_bounds(pattern);
  // Alone first, so that no bracket of it can close those around it.
  if (error.empty()) error = re2::RE2(spelled, options).error();
  NamePattern compiled;
  if (error.empty()) {
    compiled.compiled_ = std::make_shared<const re2::RE2>("(?:.*\\.)?(?:" + spelled + ")", options);
    error = compiled.compiled_->error();
  }
  if (!error.empty())
    return {ErrorCode::kUnimplemented,
            where + ": the regular expression \"" + std::string(pattern) + "\" cannot be used: " + error};
  return compiled;
}

bool NamePattern::names(std::string_view name) const {
  return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *compiled_);
}

}  // namespace maru::formats
