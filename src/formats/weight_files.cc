#include "formats/weight_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/json_node.h"
#include "base/map_guard.h"
#include "formats/block_quant.h"

namespace maru::formats {
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// Files that hold pickles, by the names that programs give them.
constexpr std::array<const char*, 4> kPickles{"pytorch_model.bin", "pytorch_model.bin.index.json", "adapter_model.bin",
                                              "consolidated.00.pth"};

[[noreturn]] void no_weights(const fs::path& directory) {
  for (const char* name : kPickles)
    if (fs::exists(directory / name))
      throw Failure(ErrorCode::kUnimplemented,
                    (directory / name).string() +
                        ": reading a pickle runs whatever code is in it; convert it to safetensors first");
  throw Failure(ErrorCode::kNotFound,
                directory.string() + ": no weights (expected model.safetensors, its index, or one .gguf file)");
}

/// Tensor and file names of an index.
std::vector<std::pair<std::string, std::string>> read_index(const fs::path& path) {
  const JsonFile index(path, ErrorCode::kDataLoss);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [tensor, file] : index["weight_map"].members()) {
    const std::string& name = file.string();
    if (name.empty() || fs::path(name).has_parent_path() || name == "..") file.fail("a file name beside the index");
    all.emplace_back(tensor, name);
  }
  return all;
}

bool is_gguf(const fs::path& path) {
  const MappedFile file(path);
  return file.text().starts_with("GGUF");
}

// A part of a model says so; the others would be missing.
void refuse_parts(const GgufFile& file) {
  if (const int64_t parts = file.integer("split.count").value_or(1); parts > 1)
    throw Failure(
        ErrorCode::kUnimplemented,
        fmt::format("{}: is one of {} parts; merge them with llama.cpp's gguf-split first", file.name(), parts));
}

// The suffixes of the tensors that only help to read a quantized one.
constexpr std::array<std::string_view, 14> kHelpers{".qzeros",
                                                    ".scales",
                                                    ".offsets",
                                                    ".shape",
                                                    ".g_idx",
                                                    ".weight_scale",
                                                    ".weight_scale_inv",
                                                    ".weight_shape",
                                                    ".weight_g_idx",
                                                    ".weight_zero_point",
                                                    ".input_scale",
                                                    ".output_scale",
                                                    ".input_global_scale",
                                                    ".activation_scale"};

}  // namespace

int64_t StoredTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

std::optional<fs::path> gguf_file_of(const fs::path& path) {
  if (fs::is_regular_file(path)) return is_gguf(path) ? std::optional(path) : std::nullopt;
  if (!fs::is_directory(path) || fs::exists(path / "config.json")) return std::nullopt;
  std::optional<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() != ".gguf" || !entry.is_regular_file()) continue;
    if (found)
      throw Failure(ErrorCode::kInvalidArgument, path.string() + ": has several .gguf files; give one of them");
    found = entry.path();
  }
  return found;
}

WeightFiles::WeightFiles(const fs::path& path) {
  std::vector<std::string> promised;
  if (!fs::exists(path)) throw Failure(ErrorCode::kNotFound, path.string() + ": no such file or directory");
  if (!fs::is_directory(path)) {
    is_gguf(path) ? add_gguf(path) : add_safetensors(path);
  } else if (fs::exists(path / kIndex)) {
    std::vector<std::string> names;
    for (const auto& [tensor, file] : read_index(path / kIndex)) promised.push_back(tensor), names.push_back(file);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) add_safetensors(path / name);
  } else if (fs::exists(path / kSingle)) {
    add_safetensors(path / kSingle);
  } else if (const auto gguf = gguf_file_of(path)) {
    add_gguf(*gguf);
  } else {
    no_weights(path);
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(tensors_.begin(), tensors_.end(), by_name);
  for (size_t i = 1; i < tensors_.size(); ++i)
    if (tensors_[i].name == tensors_[i - 1].name)
      throw Failure(ErrorCode::kDataLoss, path.string() + ": tensor " + tensors_[i].name + " is in two files");
  for (const StoredTensor& t : tensors_) entries_.push_back({t.dtype, t.shape, t.bytes});
  check_index(path / kIndex, promised);
}

void WeightFiles::check_index(const fs::path& index, const std::vector<std::string>& names) const {
  for (const std::string& name : names)
    if (find(name) == nullptr)
      throw Failure(ErrorCode::kDataLoss, index.string() + ": weight_map: " + name + " is in none of the files");
}

void WeightFiles::add_gguf(const fs::path& path) {
  gguf_ = std::make_shared<GgufFile>(GgufFile::open(path).value());
  refuse_parts(*gguf_);
  files_.push_back(path);
  for (const auto& [name, tensor] : gguf_->tensors())
    tensors_.push_back({name, std::string(tensor.layout().name), tensor.shape, tensor.bytes, gguf_->owner()});
}

void WeightFiles::add_safetensors(const fs::path& path) {
  const SafetensorsFile file = SafetensorsFile::open(path).value();
  files_.push_back(path);
  for (const auto& [name, entry] : file.entries())
    tensors_.push_back({name, entry.dtype, entry.shape, entry.bytes, file.owner()});
}

const StoredTensor* WeightFiles::find(std::string_view name) const {
  const auto it = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                   [](const StoredTensor& t, std::string_view n) { return t.name < n; });
  return it != tensors_.end() && it->name == name ? &*it : nullptr;
}

TensorLookup WeightFiles::lookup() const {
  return [this](const std::string& name) -> const SafetensorsEntry* {
    const StoredTensor* found = find(name);
    return found == nullptr ? nullptr : &entries_[static_cast<size_t>(found - tensors_.data())];
  };
}

std::vector<float> read_plain(const StoredTensor& tensor, const std::string& where) {
  const auto type = ggml_type_named(tensor.dtype);
  if (!type || !can_dequantize(*type))
    throw Failure(ErrorCode::kUnimplemented,
                  fmt::format("{}: tensor {}: {} cannot be read as weights", where, tensor.name, tensor.dtype));
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  dequantize(*type, tensor.bytes, values);
  return values;
}

PlainWeights::PlainWeights(const WeightFiles& files, std::optional<QuantizationConfig> config, std::string where)
    : files_(files), config_(std::move(config)), where_(std::move(where)) {
  for (const StoredTensor& t : files_.tensors()) {
    const auto ends = [&](std::string_view suffix) { return t.name.ends_with(suffix); };
    const auto stem = [&](std::string_view suffix) { return t.name.substr(0, t.name.size() - suffix.size()); };
    if (config_ && std::any_of(kHelpers.begin(), kHelpers.end(), ends)) continue;
    if (config_ && ends(".qweight"))
      add_quantized(stem(".qweight"));
    else if (config_ && ends(".weight_packed"))
      add_quantized(stem(".weight_packed"));
    else if (config_ && ends(".weight.quads"))
      add_quantized(stem(".weight.quads"));
    else if (config_ && ends(".weight") && (t.dtype == "I8" || t.dtype.starts_with("F8_E")))
      items_.push_back({t.name, t.shape, ""});
    else
      items_.push_back({t.name, t.shape, t.dtype});
  }
}

void PlainWeights::add_quantized(const std::string& stem) {
  const std::string name = stem + ".weight";
  const auto shape = quantized_shape(*config_, files_.lookup(), name, where_);
  if (!shape)
    throw Failure(ErrorCode::kDataLoss,
                  where_ + ": tensor " + name + " is not stored as " + config_->name + " stores it");
  items_.push_back({name, {(*shape)[0], (*shape)[1]}, ""});
}

std::vector<float> PlainWeights::read(const Item& item) const {
  std::vector<float> values = item.dtype.empty()
                                  ? read_quantized(*config_, files_.lookup(), item.name, where_).value().values
                                  : read_plain(*files_.find(item.name), where_);
  check_mapped_files();
  return values;
}

}  // namespace maru::formats
