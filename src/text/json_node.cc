#include "text/json_node.h"

#include <algorithm>

#include "text/unicode.h"

namespace maru::text {
namespace {

constexpr int kMaxDepth = 64;

std::string quoted(const SortedJson& json) {
  const bool large = json.is_structured() && json.size() > 16;
  std::string text = large ? std::string(json.type_name()) + " of " + std::to_string(json.size())
                           : json.dump(-1, ' ', false, SortedJson::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

}  // namespace

SortedJson parse_sorted(std::string_view text, const std::string& name) {
  bool too_deep = false;
  const auto watch = [&](int depth, SortedJson::parse_event_t, SortedJson&) {
    too_deep |= depth > kMaxDepth;
    return !too_deep;
  };
  try {
    SortedJson json = SortedJson::parse(text, watch);
    if (!too_deep) return json;
  } catch (const SortedJson::parse_error& e) {
    const std::string_view before = text.substr(0, std::min(text.size(), e.byte == 0 ? 0 : e.byte - 1));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    throw Failure(ErrorCode::kInvalidArgument,
                  name + ":" + std::to_string(line) + ": not JSON at byte " + std::to_string(e.byte));
  } catch (const SortedJson::exception& e) {
    throw Failure(ErrorCode::kInvalidArgument, name + ": not JSON: " + e.what());
  }
  throw Failure(ErrorCode::kInvalidArgument, name + ": nested more than 64 levels deep");
}

void Node::fail(const std::string& expected) const {
  throw Failure(ErrorCode::kInvalidArgument, path_ + ": expected " + expected + ", got " + quoted(json_));
}

void Node::unsupported(const std::string& what) const {
  throw Failure(ErrorCode::kUnimplemented, path_ + ": " + what + " is not supported yet");
}

Node Node::operator[](const std::string& key) const {
  static const SortedJson kNull;
  if (!json_.is_object()) fail("an object");
  const auto it = json_.find(key);
  return {it == json_.end() ? kNull : *it, path_ + (path_.ends_with(": ") ? "" : ".") + key};
}

size_t Node::array_size() const {
  if (!json_.is_array()) fail("a list");
  return json_.size();
}

const std::string& Node::string() const {
  if (!json_.is_string()) fail("a string");
  return json_.get_ref<const std::string&>();
}

char32_t Node::character(char32_t otherwise) const {
  if (is_null()) return otherwise;
  const std::string& text = string();
  if (text.empty()) fail("one character");
  const Decoded d = decode_utf8(text.data(), text.data() + text.size());
  if (d.code_point == kInvalidCodePoint || d.length != text.size()) fail("one character");
  return d.code_point;
}

bool Node::boolean(bool otherwise) const {
  if (json_.is_null()) return otherwise;
  if (!json_.is_boolean()) fail("true or false");
  return json_.get<bool>();
}

int32_t Node::id() const {
  const bool whole = json_.is_number_integer() || json_.is_number_unsigned();
  if (!whole || json_ < 0 || json_ > INT32_MAX) fail("a token id");
  return json_.get<int32_t>();
}

uint64_t Node::count(uint64_t otherwise) const {
  if (json_.is_null()) return otherwise;
  if (!json_.is_number_unsigned()) fail("a number of things");
  return json_.get<uint64_t>();
}

double Node::number() const {
  if (!json_.is_number()) fail("a number");
  return json_.get<double>();
}

}  // namespace maru::text
