// The JSON type (keys keep their order). Include base/json_fwd.h in headers: nlohmann/json.hpp costs 4 s per file.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"

namespace maru {

/// Parses text; errors carry `name`, line and column. Depth is limited, so hostile nesting cannot exhaust the stack.
Result<Json> parse_json(std::string_view text, std::string_view name);
/// Reads and parses a file. Throws, naming the file and line.
Json read_json(const std::filesystem::path& path);
/// Writes with two-space indentation, atomically.
void write_json(const std::filesystem::path& path, const Json& json);
/// A YAML file as JSON: plain scalars become null, booleans and numbers as in YAML 1.2 core; quoted ones stay strings.
Result<Json> parse_yaml(std::string_view text, std::string_view name);
Json read_yaml(const std::filesystem::path& path);

}  // namespace maru
