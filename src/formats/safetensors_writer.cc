#include "formats/safetensors_writer.h"

#include "base/json.h"
#include "base/map_guard.h"

namespace maru::formats {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

void SafetensorsWriter::declare(const std::string& name, const std::string& dtype, const std::vector<int64_t>& shape) {
  CHECK(!in_data_);
  const auto element = safetensors_element_bytes(dtype);
  if (!element)
    throw Failure(ErrorCode::kInvalidArgument, "safetensors: tensor " + name + ": unknown dtype \"" + dtype + "\"");
  uint64_t bytes = *element;
  for (const int64_t dim : shape) bytes *= static_cast<uint64_t>(dim);
  tensors_.push_back({name, dtype, shape, bytes});
  declared_ += bytes;
}

void SafetensorsWriter::write_header() {
  Json header = Json::object();
  if (!metadata_.empty()) header["__metadata__"] = metadata_;
  uint64_t offset = 0;
  for (const Declared& tensor : tensors_) {
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes}}};
    offset += tensor.bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 8 + kAlignment - 1) / kAlignment * kAlignment - 8, ' ');
  const uint64_t size = text.size();
  file_.write(std::string_view(reinterpret_cast<const char*>(&size), 8));
  file_.write(text);
  in_data_ = true;
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  if (!in_data_) write_header();
  CHECK(bytes.size() <= declared_ - written_);
  file_.write(bytes);
  written_ += bytes.size();
}

void SafetensorsWriter::commit() {
  if (!in_data_) write_header();
  CHECK(written_ == declared_);
  check_mapped_files();  // what it was made from
  file_.commit();
}

}  // namespace maru::formats
