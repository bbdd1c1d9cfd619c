#include "formats/gguf_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "base/map_guard.h"

namespace maru::formats {
namespace {

constexpr uint32_t kVersion = 3;
constexpr uint64_t kAlignment = 32;    // the format's default, so general.alignment need not be written
constexpr size_t kMaxTensorName = 63;  // llama.cpp keeps names in 64 bytes, the last one a zero

template <class T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& to, std::string_view text) {
  put<uint64_t>(to, text.size());
  to.append(text);
}

uint64_t padded(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

void GgufWriter::put_key(std::string_view key, GgufType type) {
  CHECK(!in_data_);
  put_text(entries_, key);
  put(entries_, static_cast<uint32_t>(type));
  ++num_entries_;
}

void GgufWriter::put_array(std::string_view key, GgufType element, size_t count) {
  put_key(key, GgufType::kArray);
  put(entries_, static_cast<uint32_t>(element));
  put<uint64_t>(entries_, count);
}

void GgufWriter::set(std::string_view key, bool value) {
  put_key(key, GgufType::kBool);
  put<uint8_t>(entries_, value ? 1 : 0);
}

void GgufWriter::set(std::string_view key, uint32_t value) {
  put_key(key, GgufType::kU32);
  put(entries_, value);
}

void GgufWriter::set(std::string_view key, int32_t value) {
  put_key(key, GgufType::kI32);
  put(entries_, value);
}

void GgufWriter::set(std::string_view key, uint64_t value) {
  put_key(key, GgufType::kU64);
  put(entries_, value);
}

void GgufWriter::set(std::string_view key, float value) {
  put_key(key, GgufType::kF32);
  put(entries_, value);
}

void GgufWriter::set(std::string_view key, std::string_view value) {
  put_key(key, GgufType::kString);
  put_text(entries_, value);
}

void GgufWriter::set(std::string_view key, const std::vector<std::string>& values) {
  put_array(key, GgufType::kString, values.size());
  for (const std::string& value : values) put_text(entries_, value);
}

void GgufWriter::set(std::string_view key, const std::vector<int32_t>& values) {
  put_array(key, GgufType::kI32, values.size());
  for (const int32_t value : values) put(entries_, value);
}

void GgufWriter::set(std::string_view key, const std::vector<float>& values) {
  put_array(key, GgufType::kF32, values.size());
  for (const float value : values) put(entries_, value);
}

void GgufWriter::set_bytes(std::string_view key, std::string_view bytes) {
  put_array(key, GgufType::kU8, bytes.size());
  for (const char byte : bytes) put<uint8_t>(entries_, static_cast<uint8_t>(byte));
}

void GgufWriter::declare(std::string_view name, GgmlType type, const std::vector<int64_t>& shape) {
  CHECK(!in_data_);
  int64_t elements = 1;
  for (const int64_t dim : shape) elements *= dim;
  const auto bytes = bytes_of(layout_of(type), static_cast<uint64_t>(elements));
  if (name.size() > kMaxTensorName || shape.empty() || shape.size() > 4)
    throw Failure(
        ErrorCode::kInvalidArgument,
        fmt::format("GGUF: tensor \"{}\": names have at most {} bytes and 1 to 4 axes", name, kMaxTensorName));
  if (!bytes || shape.back() % layout_of(type).block_elements != 0)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("GGUF: tensor \"{}\" of shape [{}]: rows are no whole {} blocks of {} elements", name,
                              fmt::join(shape, ", "), name_of(type), layout_of(type).block_elements));
  tensors_.push_back({std::string(name), type, shape, *bytes});
}

void GgufWriter::write_header() {
  std::string head = "GGUF";
  put(head, kVersion);
  put<uint64_t>(head, tensors_.size());
  put(head, num_entries_);
  head += entries_;
  uint64_t offset = 0;
  for (const Declared& tensor : tensors_) {
    put_text(head, tensor.name);
    put(head, static_cast<uint32_t>(tensor.shape.size()));
    for (auto dim = tensor.shape.rbegin(); dim != tensor.shape.rend(); ++dim)
      put<uint64_t>(head, static_cast<uint64_t>(*dim));
    put(head, static_cast<uint32_t>(tensor.type));
    put(head, offset);
    offset += padded(tensor.bytes);
  }
  file_.write(head);
  pad(kAlignment);
  in_data_ = true;
}

void GgufWriter::pad(uint64_t alignment) {
  file_.write(std::string((alignment - file_.size() % alignment) % alignment, '\0'));
}

void GgufWriter::write(std::span<const std::byte> bytes) {
  if (!in_data_) write_header();
  while (current_ < tensors_.size() && written_ == tensors_[current_].bytes) ++current_, written_ = 0;
  CHECK(current_ < tensors_.size() && bytes.size() <= tensors_[current_].bytes - written_);
  file_.write(bytes);
  written_ += bytes.size();
  if (written_ == tensors_[current_].bytes) pad(kAlignment);
}

void GgufWriter::commit() {
  if (!in_data_) write_header();
  while (current_ < tensors_.size() && written_ == tensors_[current_].bytes) ++current_, written_ = 0;
  CHECK(current_ == tensors_.size());
  check_mapped_files();  // what it was made from
  file_.commit();
}

}  // namespace maru::formats
