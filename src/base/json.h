// The JSON type (keys keep their order). Include base/json_fwd.h in headers: nlohmann/json.hpp costs 4 s per file.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/ordered_map.h"

namespace maru {

/// What a document may ask for; an error names the bound that it crosses.
struct JsonLimits {
  int64_t max_values = 100'000'000;  // a value is an object, a list or what stands in one: 16 bytes and up each
  size_t max_depth = 256;            // so that hostile nesting cannot exhaust the stack of whoever walks it
  bool unique_keys = false;          // where two readers could disagree about what was signed or measured
};
/// For the bodies of requests: reading the largest takes milliseconds.
inline constexpr JsonLimits kRequestJson{.max_values = 200'000};

/// Parses UTF-8 text (RFC 8259); errors carry `name`, line and column, and never more than a line of the text.
/// The last of two equal keys wins, at the place of the first, unless the limits ask for unique ones. Whole numbers
/// beyond 64 bits become the nearest double; numbers beyond a double are refused. A byte order mark is skipped.
/// Cost: linear in the text, whatever its shape.
Result<Json> parse_json(std::string_view text, std::string_view name, const JsonLimits& limits = {});
/// Reads and parses a file. Throws, naming the file and line.
Json read_json(const std::filesystem::path& path, const JsonLimits& limits = {});
/// Writes with two-space indentation, atomically.
void write_json(const std::filesystem::path& path, const Json& json);
/// A value for an error message: its JSON, cut after `limit` bytes, without rendering what is cut.
std::string brief(const Json& json, size_t limit = 80);

/// A YAML file as JSON: plain scalars become null, booleans and numbers as in YAML 1.2 core; quoted ones stay strings.
/// One document of UTF-8, or of UTF-16 with a byte order mark. Aliases count as what they stand for, within bounds.
Result<Json> parse_yaml(std::string_view text, std::string_view name);
Json read_yaml(const std::filesystem::path& path);

}  // namespace maru
