#include "text/chat/answer/call_object.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json.h"

namespace maru::text {
namespace {

constexpr std::array<std::string_view, 6> kKeys{"name", "arguments", "parameters", "type", "function", "id"};

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// A JSON text that the scanner let pass; nothing where it cannot be read all the same (half a surrogate).
std::string text_of(const std::string& raw) {
  Result<Json> json = parse_json(raw, "call");
  return json && json->is_string() ? json->get<std::string>() : "";
}

}  // namespace

CallObject::Step CallObject::feed(char c) {
  switch (state_) {
    case State::kInKey: return in_key(c);
    case State::kInValue: return in_value(c);
    default: break;
  }
  if (is_blank(c)) return Step::kMore;
  switch (state_) {
    case State::kOpen: state_ = State::kKey; return c == '{' ? Step::kMore : Step::kFailed;
    case State::kKey: return begin_key(c);
    case State::kColon: state_ = State::kValue; return c == ':' ? Step::kMore : Step::kFailed;
    case State::kValue: return begin_value(c);
    default: return behind(c);
  }
}

CallObject::Step CallObject::begin_key(char c) {
  if (c == '}') return close();
  if (c != '"') return given_ ? Step::kDoneBefore : Step::kFailed;
  scanner_ = {};
  raw_.clear();
  state_ = State::kInKey;
  return in_key(c);
}

CallObject::Step CallObject::in_key(char c) {
  switch (scanner_.feed(c, raw_)) {
    case JsonScanner::Step::kMore: return Step::kMore;
    case JsonScanner::Step::kDone: break;
    default: return given_ ? Step::kDoneBefore : Step::kFailed;
  }
  key_ = text_of(raw_);
  if (plain_ && std::find(kKeys.begin(), kKeys.end(), key_) == kKeys.end()) return Step::kFailed;
  state_ = State::kColon;
  return Step::kMore;
}

CallObject::Step CallObject::begin_value(char c) {
  if (c == '{' && key_ == "function" && depth_ == 1) {
    depth_ = 2;
    state_ = State::kKey;
    return Step::kMore;
  }
  scanner_ = {};
  raw_.clear();
  state_ = State::kInValue;
  const bool is_arguments = key_ == "arguments" || key_ == "parameters";
  value_ = (key_ == "name" || (key_ == "function" && c == '"')) ? Value::kName
           : is_arguments                                       ? Value::kArguments
                                                                : Value::kOther;
  if (is_arguments && c == '{' && !name_.empty() && !given_) {
    if (!sink_.begin(name_)) return Step::kFailed;
    given_ = true;
    value_ = Value::kStreamed;
  }
  return in_value(c);
}

CallObject::Step CallObject::in_value(char c) {
  const JsonScanner::Step step = scanner_.feed(c, raw_);
  if (value_ == Value::kStreamed) {
    if (!raw_.empty()) sink_.arguments(raw_);
    raw_.clear();
  }
  switch (step) {
    case JsonScanner::Step::kMore: return Step::kMore;
    case JsonScanner::Step::kBad: return given_ && value_ != Value::kStreamed ? Step::kDoneBefore : Step::kFailed;
    case JsonScanner::Step::kDone: return end_value();
    case JsonScanner::Step::kDoneBefore: break;
  }
  const Step ended = end_value();
  return ended == Step::kMore ? feed(c) : ended;
}

CallObject::Step CallObject::end_value() {
  state_ = State::kBehind;
  if (value_ == Value::kName) {
    name_ = text_of(raw_);
    if (name_.empty()) return Step::kFailed;
  }
  if (value_ == Value::kArguments) arguments_ = raw_;
  return Step::kMore;
}

CallObject::Step CallObject::behind(char c) {
  if (c == ',') return state_ = State::kKey, Step::kMore;
  if (c == '}') return close();
  return given_ ? Step::kDoneBefore : Step::kFailed;  // models forget the last brace
}

CallObject::Step CallObject::close() {
  if (--depth_ > 0) return state_ = State::kBehind, Step::kMore;
  if (given_) return Step::kDone;
  if (name_.empty()) return Step::kFailed;
  if (arguments_.empty() || arguments_ == "null") return give("{}");
  if (arguments_.starts_with('{')) return give(arguments_);
  const std::string text = arguments_ == "\"\"" ? "{}" : text_of(arguments_);
  Result<Json> json = parse_json(text, "call");
  return json && json->is_object() ? give(text) : Step::kFailed;
}

CallObject::Step CallObject::give(const std::string& arguments) {
  if (!sink_.begin(name_)) return Step::kFailed;
  sink_.arguments(arguments);
  return Step::kDone;
}

void CallObject::cut() {
  if (given_ && state_ == State::kInValue && value_ == Value::kStreamed && !scanner_.held().empty())
    sink_.arguments(scanner_.held());
}

}  // namespace maru::text
