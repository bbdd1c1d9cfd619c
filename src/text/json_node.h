// A JSON value that knows its place in the file, so that every error names it. For the .cc files of the readers.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace maru::text {

// base/json.h keeps keys in order and looks them up one by one: quadratic for a vocabulary of 150,000.
using SortedJson = nlohmann::json;

/// Throws kInvalidArgument, naming the line, for text that is not JSON or nested more than 64 levels deep.
SortedJson parse_sorted(std::string_view text, const std::string& name);

class Node {
 public:
  Node(const SortedJson& json, std::string path) : json_(json), path_(std::move(path)) {}
  const SortedJson& json() const { return json_; }
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
  const SortedJson& json_;
  std::string path_;
};

}  // namespace maru::text
