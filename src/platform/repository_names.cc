// What repositories and the files in them may be called.
#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "ledger/name.h"
#include "platform/repositories.h"

namespace maru::platform {
namespace {

constexpr size_t kLongestPath = 1024, kLongestPart = 255, kMostParts = 64, kLongestName = 96;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; }

bool is_plain(char c) {
  return (c & 0x80) != 0 || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9');
}

const char* fault_of_part(std::string_view part) {
  if (part.empty()) return "a part of it is empty";
  if (part == "." || part == ".." || part == ".git") return "\".\", \"..\" and \".git\" are no names";
  if (part.size() > kLongestPart) return "a part of it is longer than 255 bytes";
  return nullptr;
}

const char* fault_of_path(std::string_view path) {
  if (path.size() > kLongestPath) return "it is longer than 1,024 bytes";
  if (!is_valid_utf8(path)) return "it is not UTF-8";
  if (std::ranges::any_of(path, is_control)) return "it holds a control character or a backslash";
  size_t parts = 0;
  for (size_t begin = 0; begin <= path.size(); ++parts) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (const char* fault = fault_of_part(path.substr(begin, end - begin))) return fault;
    begin = end + 1;
  }
  return parts > kMostParts ? "it has more than 64 parts" : nullptr;
}

const char* fault_of_name(std::string_view name) {
  if (name.size() > kLongestName) return "it is longer than 96 bytes";
  if (!std::ranges::all_of(name, [](char c) { return is_plain(c) || c == '-' || c == '_' || c == '.'; }))
    return "letters, digits, '-', '_' and '.' are allowed";
  if (!is_plain(name.front()) || !is_plain(name.back())) return "it must begin and end with a letter or a digit";
  if (name.find("--") != name.npos || name.find("..") != name.npos) return "\"--\" and \"..\" are not allowed";
  return name.ends_with(".git") ? "\".git\" at the end is not allowed" : nullptr;
}

}  // namespace

Outcome check_path(std::string_view path) {
  if (const char* fault = fault_of_path(path))
    return Error{ErrorCode::kInvalidArgument, fmt::format("\"{}\": cannot be the path of a file: {}",
                                                          replace_invalid_utf8(path.substr(0, 200)), fault)};
  return Done{};
}

Outcome check_repository_name(std::string_view what, std::string_view name) {
  if (Outcome usual = ledger::check_name(what, name); !usual) return usual;
  if (const char* fault = fault_of_name(name))
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: \"{}\" cannot be a name: {}", what, name, fault)};
  return Done{};
}

}  // namespace maru::platform
