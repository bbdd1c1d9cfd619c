#include "text/chat/answer/named_call.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "text/chat/answer/answer_form.h"

namespace maru::text {
namespace {

constexpr size_t kLongestHead = 512;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \n\r\t");
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(" \n\r\t") + 1 - begin);
}

/// The name in what stands before the object; empty: it is none.
std::string name_in(std::string_view head) {
  head = trimmed(head);
  const bool marked = head.ends_with(kArgumentsMark);
  if (marked) head = trimmed(head.substr(0, head.size() - kArgumentsMark.size()));
  if (const size_t id = head.find(kCallIdMark); id != std::string_view::npos) head = trimmed(head.substr(0, id));
  const bool good = std::all_of(head.begin(), head.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-.:/").find(c) != std::string_view::npos;
  });
  return good ? std::string(head) : "";
}

}  // namespace

NamedCall::Step NamedCall::feed(char c) { return given_ ? in_arguments(c) : in_head(c); }

NamedCall::Step NamedCall::in_head(char c) {
  if (c != '{') return head_ += c, head_.size() > kLongestHead ? Step::kFailed : Step::kMore;
  const std::string name = name_in(head_);
  if (name.empty() || !sink_.begin(name)) return Step::kFailed;
  given_ = true;
  return in_arguments(c);
}

NamedCall::Step NamedCall::in_arguments(char c) {
  std::string sure;
  const JsonScanner::Step step = scanner_.feed(c, sure);
  if (!sure.empty()) sink_.arguments(sure);
  return step == JsonScanner::Step::kMore   ? Step::kMore
         : step == JsonScanner::Step::kDone ? Step::kDone
                                            : Step::kFailed;
}

void NamedCall::cut() {
  if (given_ && !scanner_.held().empty()) sink_.arguments(scanner_.held());
}

}  // namespace maru::text
