#include "models/weight_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/float16.h"
#include "base/json.h"

namespace maru {
namespace {

// Reading a pickle runs whatever code its author put there.
void refuse_pickles(const fs::path& directory) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"})
    if (fs::exists(directory / name))
      throw Failure(ErrorCode::kUnimplemented,
                    (directory / name).string() +
                        ": pickled weights can execute code when they are read; expected model.safetensors");
}

std::vector<fs::path> weight_files(const fs::path& directory) {
  const fs::path index = directory / "model.safetensors.index.json", single = directory / "model.safetensors";
  if (!fs::exists(index)) {
    if (!fs::exists(single)) refuse_pickles(directory);
    return {single};
  }
  const Json json = read_json(index);
  if (!json.contains("weight_map") || !json["weight_map"].is_object())
    throw Failure(ErrorCode::kDataLoss, index.string() + ": weight_map: expected an object");
  std::set<std::string> names;
  for (const auto& item : json["weight_map"].items()) {
    const std::string file = item.value().is_string() ? item.value().get<std::string>() : "";
    if (file.empty() || fs::path(file).has_parent_path())
      throw Failure(ErrorCode::kDataLoss,
                    index.string() + ": weight_map: " + item.key() + ": expected a file name beside the index");
    names.insert(file);
  }
  std::vector<fs::path> files;
  for (const std::string& name : names) files.push_back(directory / name);
  return files;
}

float f32_at(const std::byte* data, int64_t i) { return reinterpret_cast<const float*>(data)[i]; }
float bf16_at(const std::byte* data, int64_t i) { return to_float(reinterpret_cast<const bfloat16*>(data)[i]); }
float f16_at(const std::byte* data, int64_t i) { return to_float(reinterpret_cast<const float16*>(data)[i]); }

using ElementAt = float (*)(const std::byte*, int64_t);

ElementAt reader_of(const std::string& dtype, const std::string& where) {
  if (dtype == "F32") return f32_at;
  if (dtype == "BF16") return bf16_at;
  if (dtype == "F16") return f16_at;
  throw Failure(ErrorCode::kUnimplemented, where + ": dtype: expected F32, BF16 or F16, got " + dtype);
}

void store(float value, float* to) { *to = value; }
void store(float value, bfloat16* to) { *to = to_bfloat16(value); }

template <class T>
void copy_elements(T* to, const SafetensorsEntry& entry, ElementAt element, const StoredPart& part) {
  for (int64_t r = 0; r < part.shape.rows; ++r) {
    const int64_t at = part.at(r), stride = part.stride();
    for (int64_t c = 0; c < part.shape.cols; ++c) store(element(entry.bytes.data(), at + c * stride), to++);
  }
}

Tensor converted(const SafetensorsEntry& entry, const StoredPart& part, Shape shape, Dtype dtype, ElementAt element) {
  auto memory = std::make_shared<HostBuffer>(static_cast<size_t>(shape.size()) * size_of(dtype));
  std::byte* data = memory->data();
  if (dtype == Dtype::kBf16)
    copy_elements(reinterpret_cast<bfloat16*>(data), entry, element, part);
  else
    copy_elements(reinterpret_cast<float*>(data), entry, element, part);
  return Tensor(std::move(memory), data, shape, dtype);
}

bool is_head(const std::string& name) { return name == "lm_head.weight" || name == "embed_out.weight"; }

}  // namespace

std::string format_name(Dtype dtype) { return dtype == Dtype::kBf16 ? "BF16" : "F32"; }

std::vector<int64_t> stored_shape(const StoredPart& part, ParameterRole role) {
  if (is_vector(role)) return {part.total_rows};
  const int64_t cols = part.shape.cols;
  return part.transposed() ? std::vector{cols, part.total_rows} : std::vector{part.total_rows, cols};
}

WeightFiles::WeightFiles(const fs::path& directory) : directory_(directory) {
  for (const fs::path& path : weight_files(directory)) files_.push_back(SafetensorsFile::open(path).value());
  for (const SafetensorsFile& file : files_)
    for (const auto& [name, entry] : file.entries()) entries_[name] = {&file, &entry};
}

WeightFiles::Entry WeightFiles::find(const std::string& name) {
  auto it = entries_.find(name);
  if (it == entries_.end()) it = entries_.find(name.substr(name.find('.') + 1));
  if (it == entries_.end())
    throw Failure(ErrorCode::kDataLoss, directory_.string() + ": tensor " + name + " is missing");
  used_.insert(it->first);
  return it->second;
}

Tensor WeightFiles::load(const std::string& tensor, const StoredPart& part, ParameterRole role, Shape shape,
                         Dtype dtype) {
  const std::string where = directory_.string() + ": tensor " + tensor;
  const auto [file, entry] = find(tensor);
  if (const auto expected = stored_shape(part, role); entry->shape != expected)
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: shape [{}], expected [{}]", where,
                                                    fmt::join(entry->shape, ", "), fmt::join(expected, ", ")));
  const ElementAt element = reader_of(entry->dtype, where);
  if (entry->dtype != format_name(dtype) || !part.in_place()) return converted(*entry, part, shape, dtype, element);
  const auto offset = static_cast<size_t>(part.at(0)) * size_of(dtype);
  return Tensor(file->owner(), const_cast<std::byte*>(entry->bytes.data() + offset), shape, dtype);
}

Tensor WeightFiles::load(const std::string& tensor, ParameterRole role, Shape shape, Dtype dtype) {
  const Shape stored = is_vector(role) ? Shape{shape.cols, 1} : shape;
  return load(tensor, {WeightLayout::kRows, stored, 0, stored.rows, 0}, role, shape, dtype);
}

void WeightFiles::refuse_unused(bool tied_head) const {
  for (const auto& [name, found] : entries_) {
    const bool derived = name.ends_with("inv_freq") || name.ends_with("masked_bias") || found.entry->shape.size() > 2 ||
                         (tied_head && is_head(name));
    if (!derived && !used_.contains(name))
      throw Failure(ErrorCode::kUnimplemented, directory_.string() + ": tensor " + name +
                                                   " is not part of this architecture as config.json describes it");
  }
}

}  // namespace maru
