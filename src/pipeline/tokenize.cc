#include "pipeline/tokenize.h"

#include "base/json.h"
#include "data/listing.h"
#include "ledger/artefact_writer.h"
#include "text/chat/tokenizer_directory.h"

namespace maru::pipeline {
namespace {

/// Calls dataset(directory) or raw(file), in the order of the names.
template <class Dataset, class Raw>
void for_each_input(const catalogue::Home& home, const std::vector<std::string>& names, Dataset dataset, Raw raw) {
  for (const std::string& name : names) {
    const fs::path path = home.find(Kind::kDataset, name);
    if (fs::exists(path / ledger::kManifestName))
      dataset(path);
    else
      for (const fs::path& file : data::files_to_read(path)) raw(file);
  }
}

}  // namespace

std::vector<fs::path> text_files(const catalogue::Home& home, const std::vector<std::string>& names) {
  std::vector<fs::path> files;
  for_each_input(
      home, names, [&](const fs::path& dataset) { files.push_back(catalogue::split_file(dataset, "train")); },
      [&](const fs::path& file) { files.push_back(file); });
  return files;
}

TokenizeResult tokenize(const Workplace& at, const TokenizeConfig& config, bool force) {
  const fs::path output = at.home.place(Kind::kTokenizer, config.name);
  const ledger::Place place{output, at.home.root()};
  ledger::Manifest manifest{.kind = "tokenizer", .name = config.name};
  manifest.recipe = to_json(config);
  for_each_input(
      at.home, config.inputs,
      [&](const fs::path& dataset) { manifest.inputs.push_back(ledger::artefact_input("dataset", dataset, place)); },
      [&](const fs::path& file) { manifest.inputs.push_back(ledger::raw_input("raw", file, place)); });
  if (!force && ledger::is_current(output, ledger::stage_key(manifest.kind, manifest.recipe, manifest.inputs)))
    return {config.name, ledger::read_manifest(output).notes, true};
  ledger::ArtefactWriter writer(output);
  const text::TrainedTokenizer trained =
      text::train_tokenizer(text_files(at.home, config.inputs), config.trainer, at.machine.pool(), at.watch);
  text::write_tokenizer_files(writer.directory(), trained.tokenizer, {.model_max_length = config.context_length});
  manifest.notes = to_json(trained.report);
  TokenizeResult result{config.name, manifest.notes};
  writer.commit(std::move(manifest));
  return result;
}

}  // namespace maru::pipeline
