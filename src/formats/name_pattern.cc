#include "formats/name_pattern.h"

#include <re2/re2.h>

namespace maru::formats {
namespace {

constexpr int64_t kMaxBytes = 512 << 10;

/// What RE2 takes for something else than Python's `re` does; empty: nothing.
std::string unlike_python(std::string_view pattern) {
  for (size_t i = 0; i + 1 < pattern.size(); ++i) {
    const std::string_view two = pattern.substr(i, 2);
    if (two == "{,") return "\"{,\" is not supported";  // Python: none or more; RE2: as it stands
    if (two == "[:") return "\"[:\" is not supported";  // Python: two characters; RE2: a class by its name
    if (two[0] != '\\') continue;
    const bool alphanumeric = std::isalnum(static_cast<unsigned char>(two[1])) != 0;
    if (alphanumeric && std::string_view("dDwWsSbB").find(two[1]) == std::string_view::npos)
      return "\"" + std::string(two) + "\" is not supported";
    ++i;
  }
  return "";
}

}  // namespace

Result<NamePattern> NamePattern::compile(std::string_view pattern, const std::string& where) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxBytes);
  std::string error = unlike_python(pattern);
  // Alone first, so that no bracket of it can close those around it.
  if (error.empty()) error = re2::RE2(re2::StringPiece(pattern.data(), pattern.size()), options).error();
  NamePattern compiled;
  if (error.empty()) {
    compiled.compiled_ = std::make_shared<const re2::RE2>("(?:.*\\.)?(?:" + std::string(pattern) + ")", options);
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
