#include "text/tokenizer/files/json_node.h"

#include "base/excerpt.h"
#include "text/unicode/unicode.h"

namespace maru::text {

void Node::fail(const std::string& expected) const {
  throw Failure(ErrorCode::kInvalidArgument,
                excerpt(path_, 200) + ": expected " + expected + ", got " + brief(json_, 60));
}

void Node::unsupported(const std::string& what) const {
  throw Failure(ErrorCode::kUnimplemented, excerpt(path_, 200) + ": " + excerpt(what) + " is not supported yet");
}

Node Node::operator[](const std::string& key) const {
  static const Json kNull;
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
