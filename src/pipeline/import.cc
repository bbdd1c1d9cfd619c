#include "pipeline/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_node.h"
#include "catalogue/adapter.h"
#include "formats/lora.h"
#include "formats/weight_files.h"
#include "infer/loaded_encoder.h"
#include "infer/model_text.h"
#include "ledger/artefact_writer.h"
#include "models/model_files.h"
#include "pipeline/inspect.h"
#include "pipeline/origin.h"

namespace maru::pipeline {
namespace {

constexpr uint64_t kMaxCopied = 64 << 20;  // configuration, vocabulary, licence: all are smaller

/// Everything that loading checks, by loading: configuration, every tensor's shape and dtype, the tokenizer.
void check_loads(Device& device, const fs::path& source) {
  if (is_sentence_encoder(source)) {
    const infer::LoadedEncoder checked(source, device);
    return;
  }
  const auto model = load_for_serving(device.host(), source);
  const text::Tokenizer tokenizer = infer::load_text(source).tokenizer;
  if (tokenizer.vocab_size() > model->config().vocab_size)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: the tokenizer has {} tokens, the model only {}", source.string(),
                              tokenizer.vocab_size(), model->config().vocab_size));
}

// Small files are copied, so that the model is described even when the original has gone. Code is left behind: nothing
// here would run it.
void copy_description(const fs::path& from, const fs::path& to) {
  if (!fs::is_directory(from)) return;  // a GGUF file: it describes itself
  static const std::set<std::string> kLeft{".safetensors", ".bin", ".pt", ".pth",    ".gguf",
                                           ".onnx",        ".h5",  ".py", ".msgpack"};
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.starts_with(".") || kLeft.contains(entry.path().extension().string()))
      continue;
    if (entry.file_size() > kMaxCopied) continue;
    write_file(to / name, read_file(entry.path()));
  }
}

// What stands behind an encoder: pooling, and dense layers with their weights, which are small.
void copy_modules(const fs::path& from, const fs::path& to) {
  const fs::path list = from / "modules.json";
  if (!fs::exists(list)) return;
  const Json json = read_json(list);
  for (const JsonNode& module : JsonNode(json, list.string()).elements()) {
    const fs::path folder = module["path"].string();
    if (folder.is_absolute() || std::ranges::find(folder, "..") != folder.end()) module["path"].fail("a folder of it");
    if (folder.empty() || !fs::is_directory(from / folder)) continue;
    fs::create_directories(to / folder);
    for (const fs::directory_entry& entry : fs::directory_iterator(from / folder))
      if (entry.is_regular_file() && entry.file_size() <= kMaxCopied)
        fs::copy_file(entry.path(), to / folder / entry.path().filename());
  }
}

std::string licence_of(const fs::path& source) {
  return is_sentence_encoder(source) ? find_licence(source).name : inspect_model(source).licence.name;
}

// Links keep the weights where they are: they are mapped from there, and `maru verify` reads them there.
void place_weights(const fs::path& source, const fs::path& to, bool copy) {
  const formats::WeightFiles files(source);
  for (const fs::path& file : files.files()) {
    if (copy)
      fs::copy_file(file, to / file.filename());
    else
      fs::create_symlink(fs::canonical(file), to / file.filename());
  }
}

void require_importable(const Workplace& at, const ImportConfig& a, const fs::path& source) {
  if (!fs::is_directory(source) && !formats::gguf_file_of(source))
    throw Failure(ErrorCode::kNotFound, source.string() + ": expected a Hugging Face directory or a GGUF file");
  if (fs::exists(source / ledger::kManifestName))
    throw Failure(ErrorCode::kInvalidArgument,
                  source.string() + ": is an artefact already; use it by its path, so that its history stays with it");
  if (fs::exists(at.home.place(Kind::kModel, a.name)) && !a.force)
    throw Failure(ErrorCode::kExists,
                  "models: \"" + a.name + "\" exists; give another --name, or --force to replace it");
}

ledger::Manifest manifest_of(const ImportConfig& a, const fs::path& source, std::string kind) {
  ledger::Manifest manifest{.kind = std::move(kind), .name = a.name};
  manifest.recipe = {{"verb", "import"}, {"source", source.string()}, {"copy", a.copy}};
  return manifest;
}

ImportResult result_of(const ImportConfig& a, const fs::path& output, const ledger::ForeignOrigin& origin) {
  return {.name = a.name,
          .source = origin.source,
          .licence = origin.licence,
          .path = output,
          .tensors = static_cast<int64_t>(origin.tensors.size()),
          .copied = a.copy};
}

ImportResult import_model(const Workplace& at, const ImportConfig& a, const fs::path& source) {
  const fs::path output = at.home.place(Kind::kModel, a.name);
  require_importable(at, a, source);
  ledger::ArtefactWriter writer(output);
  check_loads(at.machine.device(), source);
  const std::string licence = a.licence.empty() ? licence_of(source) : a.licence;
  const std::string origin = a.origin.empty() ? source.string() : a.origin;
  ledger::Manifest manifest = manifest_of(a, source, "model");
  manifest.foreign = {foreign_origin(source, a.name, origin, licence, at.watch)};
  copy_description(source, writer.directory());
  copy_modules(source, writer.directory());
  place_weights(source, writer.directory(), a.copy);
  ImportResult result = result_of(a, output, manifest.foreign.front());
  writer.commit(std::move(manifest));
  return result;
}

ImportResult import_adapter(const Workplace& at, const ImportConfig& a, const fs::path& source) {
  using catalogue::kAdapterConfig, catalogue::kAdapterWeights;
  const fs::path output = at.home.place(Kind::kAdapter, a.name);
  if (fs::exists(source / ledger::kManifestName))
    throw Failure(ErrorCode::kInvalidArgument,
                  source.string() + ": is an artefact already; use it by its path, so that its history stays with it");
  if (fs::exists(output) && !a.force)
    throw Failure(ErrorCode::kExists,
                  "adapters: \"" + a.name + "\" exists; give another --name, or --force to replace it");
  ledger::ArtefactWriter writer(output);
  const size_t changed = formats::LoraAdapter(source).targets().size();
  const std::string licence = a.licence.empty() ? find_licence(source).name : a.licence;
  const std::string origin = a.origin.empty() ? source.string() : a.origin;
  ledger::Manifest manifest = manifest_of(a, source, "adapter");
  manifest.foreign = {foreign_origin(source / kAdapterWeights, a.name, origin, licence, at.watch)};
  write_file(writer.directory() / kAdapterConfig, read_file(source / kAdapterConfig));
  if (fs::exists(source / "README.md")) fs::copy_file(source / "README.md", writer.directory() / "README.md");
  if (a.copy)
    fs::copy_file(source / kAdapterWeights, writer.directory() / kAdapterWeights);
  else
    fs::create_symlink(fs::canonical(source / kAdapterWeights), writer.directory() / kAdapterWeights);
  ImportResult result = result_of(a, output, manifest.foreign.front());
  result.is_adapter = true;
  result.changed = static_cast<int64_t>(changed);
  writer.commit(std::move(manifest));
  return result;
}

}  // namespace

ImportResult import_weights(const Workplace& at, const ImportConfig& a) {
  const fs::path source = fs::absolute(a.source).lexically_normal();
  return catalogue::is_adapter(a.source) ? import_adapter(at, a, source) : import_model(at, a, source);
}

}  // namespace maru::pipeline
