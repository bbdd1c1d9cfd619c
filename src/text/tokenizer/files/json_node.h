// A JSON value that knows its place in the file, so that every error names it. For the .cc files of the readers.
#pragma once
#include <string>

#include "base/json.h"

namespace maru::text {

class Node {
 public:
  Node(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}
  const Json& json() const { return json_; }
  const std::string& path() const { return path_; }
  bool is_null() const { return json_.is_null(); }

  [[noreturn]] void fail(const std::string& expected) const;
  [[noreturn]] void unsupported(const std::string& what) const;
  /// A missing key reads as null.
  Node operator[](const std::string& key) const;
  Node at(size_t index) const { return {json_[index], path_ + "[" + std::to_string(index) + "]"}; }
  size_t array_size() const;
  const std::string& string() const;
  std::string string(const std::string& otherwise) const { return is_null() ? otherwise : string(); }
  /// Exactly one character.
  char32_t character(char32_t otherwise) const;
  bool boolean(bool otherwise) const;
  int32_t id() const;
  uint64_t count(uint64_t otherwise) const;
  double number() const;
  const std::string& type() const { return (*this)["type"].string(); }

 private:
  const Json& json_;
  std::string path_;
};

}  // namespace maru::text
