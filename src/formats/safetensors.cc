#include "formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/json_node.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

constexpr uint64_t kMaxHeader = 100 << 20;  // as in the reference implementation

struct Extent {
  uint64_t begin, end;
  std::string name;
};

Error data_loss(const std::string& name, const std::string& message) {
  return {ErrorCode::kDataLoss, name + ": " + message};
}

// Number of bytes of a tensor, or nothing when the shape is malformed or overflows.
std::optional<uint64_t> bytes_of(const Json& shape, uint64_t element, std::vector<int64_t>& dims) {
  if (!shape.is_array() || shape.size() > 8) return std::nullopt;
  uint64_t bytes = element;
  for (const Json& dim : shape) {
    if (!dim.is_number_unsigned()) return std::nullopt;
    dims.push_back(dim.get<int64_t>());
    if (dims.back() < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(dims.back()), &bytes))
      return std::nullopt;
  }
  return bytes;
}

SafetensorsEntry read_entry(const std::string& name, const JsonNode& json, std::span<const std::byte> data,
                            std::vector<Extent>& extents) {
  SafetensorsEntry entry{.dtype = json["dtype"].string(), .shape = {}, .bytes = {}};
  const auto element = safetensors_element_bytes(entry.dtype);
  if (!element) json["dtype"].fail("a dtype of the format");
  const JsonNode shape = json["shape"], offsets = json["data_offsets"];
  const auto bytes = bytes_of(shape.json(), *element, entry.shape);
  if (!bytes) shape.fail("up to 8 sizes, of fewer than 2^64 bytes together");
  if (offsets.size() != 2) offsets.fail("where the tensor begins and where it ends");
  const uint64_t begin = offsets.at(0).count(), end = offsets.at(1).count();
  if (begin > end || end > data.size())
    offsets.refuse(fmt::format("[{}, {}] lie outside the file's {} data bytes (truncated?)", begin, end, data.size()));
  if (end - begin != *bytes) json.refuse(fmt::format("holds {} bytes, expected {} for its shape", end - begin, *bytes));
  entry.bytes = data.subspan(begin, end - begin);
  extents.push_back({begin, end, name});
  return entry;
}

// Tensors must cover the data without gaps or overlaps, as the format demands.
std::optional<std::string> find_overlap(std::vector<Extent> extents, uint64_t data_size) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t at = 0;
  for (const Extent& e : extents) {
    if (e.begin != at)
      return fmt::format("tensor \"{}\" begins at {}, expected {} (gap or overlap)", e.name, e.begin, at);
    at = e.end;
  }
  if (at != data_size) return fmt::format("{} bytes behind the last tensor", data_size - at);
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> safetensors_element_bytes(const std::string& dtype) {
  static const std::map<std::string, uint64_t> kSizes{
      {"BOOL", 1}, {"U8", 1},   {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"I16", 2}, {"U16", 2},
      {"F16", 2},  {"BF16", 2}, {"I32", 4}, {"U32", 4},     {"F32", 4},     {"I64", 8},     {"U64", 8}, {"F64", 8}};
  const auto it = kSizes.find(dtype);
  return it == kSizes.end() ? std::nullopt : std::optional(it->second);
}

Result<SafetensorsFile> SafetensorsFile::open(const fs::path& path) {
  std::shared_ptr<MappedFile> map;
  try {
    map = std::make_shared<MappedFile>(path);
  } catch (const Failure& e) {
    return e.error();
  }
  Result<SafetensorsFile> file = parse(map->bytes(), path.string());
  map->count_in();
  if (file.ok()) file->file_ = std::move(map);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() < 8)
    return data_loss(name, fmt::format("is {} bytes, too short for a safetensors file", bytes.size()));
  uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > kMaxHeader || header_size > bytes.size() - 8)
    return data_loss(name,
                     fmt::format("header claims {} bytes at offset 8, the file has {}", header_size, bytes.size() - 8));
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, header_size);
  Result<Json> json = parse_json(header, name + " (header)", {.unique_keys = true});
  if (!json.ok()) return data_loss(name, "header is not JSON: " + json.error().message);
  SafetensorsFile file;
  try {
    file.read_header(JsonNode(*json, name, ErrorCode::kDataLoss), bytes.subspan(8 + header_size));
  } catch (const Failure& failure) {
    return failure.error();
  }
  return file;
}

void SafetensorsFile::read_header(const JsonNode& header, std::span<const std::byte> data) {
  std::vector<Extent> extents;
  for (const auto& [name, value] : header.object().json().items()) {
    const JsonNode entry(value, header.where() + ": tensor \"" + name + "\"", ErrorCode::kDataLoss);
    if (name != "__metadata__") entries_[name] = read_entry(name, entry, data, extents);
  }
  if (const JsonNode metadata = header["__metadata__"]; !metadata.is_missing())
    for (const auto& [key, text] : metadata.members())
      if (text.is_string()) metadata_[key] = text.string();
  if (const auto problem = find_overlap(std::move(extents), data.size())) header.refuse(*problem);
}

void write_safetensors(const fs::path& path, const std::vector<SafetensorsItem>& items,
                       const std::map<std::string, std::string>& metadata) {
  SafetensorsWriter writer(path);
  writer.set_metadata(metadata);
  for (const SafetensorsItem& item : items) writer.declare(item.name, item.dtype, item.shape);
  for (const SafetensorsItem& item : items) writer.write(item.bytes);
  writer.commit();
}

}  // namespace maru::formats
