#include "text/chat/answer/call_tags.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json.h"

namespace maru::text {
namespace {

constexpr std::string_view kFunction = "<function=", kEndFunction = "</function>";
constexpr std::string_view kParameter = "<parameter=";
constexpr size_t kLongestName = 512;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// A text as it stands in a JSON string, without the quotes; bytes that are no UTF-8 stay.
std::string escaped(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      quoted += c;
      continue;
    }
    const std::string one = Json(std::string(1, c)).dump();
    quoted += one.substr(1, one.size() - 2);
  }
  return quoted;
}

/// What ends a value: its tag, or on a new line what can only follow it, since models forget the tag.
constexpr std::array kEnds =
    std::to_array<std::string_view>({"\n</parameter>", "</parameter>", "\n<parameter=", "\n</function>"});

/// How much of the end of `text` may be the beginning of the end of a value.
size_t open_end(std::string_view text) {
  size_t most = 0;
  for (const std::string_view end : kEnds)
    for (size_t size = std::min(text.size(), end.size()); size > most; --size)
      if (end.starts_with(text.substr(text.size() - size))) most = size;
  return most;
}

/// What stands between `tag` and ">" when `text` is all of it; `good` is false when it cannot become that any more.
std::string name_in(std::string_view text, std::string_view tag, bool& good) {
  const size_t common = std::min(text.size(), tag.size());
  good = text.substr(0, common) == tag.substr(0, common) && text.size() < kLongestName;
  const bool closed = good && text.size() > tag.size() && text.back() == '>';
  if (!closed) return "";
  std::string name(text.substr(tag.size(), text.size() - tag.size() - 1));
  if (name.size() > 1 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  good = !name.empty() && name.find_first_of(" \n\r\t<") == std::string::npos;
  return name;
}

}  // namespace

CallTags::Step CallTags::feed(char c) {
  if (state_ != State::kValue && held_.empty() && is_blank(c)) return Step::kMore;
  held_ += c;
  if (state_ == State::kValue) in_value();
  if (state_ == State::kValue || held_.empty()) return Step::kMore;
  const Step step = state_ == State::kFunction ? in_function() : in_body();
  if (step == Step::kFailed) {
    held_.pop_back();  // the byte is not of it
    failed_ = true;
  }
  return step;
}

CallTags::Step CallTags::in_function() {
  bool good = true;
  std::string name = name_in(held_, kFunction, good);
  if (!good) return Step::kFailed;
  if (name.empty()) return Step::kMore;
  if (!sink_.begin(name)) return Step::kFailed;
  name_ = std::move(name);
  sink_.arguments("{");
  held_.clear();
  state_ = State::kBody;
  return Step::kMore;
}

CallTags::Step CallTags::in_body() {
  if (held_ == kEndFunction) return sink_.arguments("}"), held_.clear(), Step::kDone;
  if (kEndFunction.starts_with(held_)) return Step::kMore;
  bool good = true;
  std::string key = name_in(held_, kParameter, good);
  if (!good) return Step::kFailed;
  if (!key.empty()) begin_parameter(std::move(key));
  return Step::kMore;
}

void CallTags::begin_parameter(std::string key) {
  kind_ = tools_.kind_of(name_, key);
  sink_.arguments((first_ ? "\"" : ", \"") + escaped(key) + "\": " + (kind_ == ToolSet::Value::kText ? "\"" : ""));
  first_ = false;
  at_begin_ = true;
  held_.clear();
  state_ = State::kValue;
}

void CallTags::in_value() {
  for (const std::string_view end : kEnds)
    if (held_.ends_with(end)) return end_value(end);
  if (at_begin_ && held_.size() == 1) {
    if (held_ == "\n") held_.clear();  // the line of the tag itself ends
    at_begin_ = false;
  }
  if (kind_ == ToolSet::Value::kText) release(held_.size() - open_end(held_));
}

/// Hands out the beginning of a text that is held.
void CallTags::release(size_t end) {
  if (end == 0) return;
  sink_.arguments(escaped(std::string_view(held_).substr(0, end)));
  held_.erase(0, end);
}

void CallTags::end_value(std::string_view end) {
  held_.erase(held_.size() - end.size());
  if (kind_ == ToolSet::Value::kText) {
    release(held_.size());
    sink_.arguments("\"");
  } else {
    const bool is_json = kind_ == ToolSet::Value::kJson ? parse_json(held_, "call").ok() : held_ == "null";
    sink_.arguments(is_json ? held_ : "\"" + escaped(held_) + "\"");
  }
  held_ = end.ends_with("</parameter>") ? "" : end.substr(1);  // which is looked at as what it is
  state_ = State::kBody;
}

void CallTags::cut() {
  // A tag that the end of the answer cuts is none of the arguments; one that could not be read is what the model wrote.
  if (!failed_) held_.resize(state_ == State::kValue ? held_.size() - open_end(held_) : 0);
  const bool is_text = state_ == State::kValue && kind_ == ToolSet::Value::kText;
  if (is_text) return release(held_.size());
  if (!name_.empty() && !held_.empty()) sink_.arguments(held_);
  held_.clear();
}

}  // namespace maru::text
