// maru import: a model from outside becomes one of this home, with its origin on record.
#include <fmt/format.h>

#include <set>

#include "base/json.h"
#include "base/progress.h"
#include "cli/adapter.h"
#include "cli/foreign.h"
#include "cli/inspection.h"
#include "cli/verbs.h"
#include "formats/weight_files.h"
#include "infer/model_text.h"
#include "ledger/artefact_writer.h"
#include "models/model_files.h"

namespace maru::cli {
namespace {

constexpr uint64_t kMaxCopied = 64 << 20;  // configuration, vocabulary, licence: all are smaller

struct ImportArguments {
  std::string source, name, origin, licence;
  bool copy = false, force = false;
};

/// Everything that loading checks, by loading: configuration, every tensor's shape and dtype, the tokenizer.
void check_loads(const Stream& stream, const fs::path& source) {
  const auto model = load_for_serving(stream, source);
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

void require_importable(const Session& session, const ImportArguments& a, const fs::path& source) {
  if (!fs::is_directory(source) && !formats::gguf_file_of(source))
    throw Failure(ErrorCode::kNotFound, source.string() + ": expected a Hugging Face directory or a GGUF file");
  if (fs::exists(source / ledger::kManifestName))
    throw Failure(ErrorCode::kInvalidArgument,
                  source.string() + ": is an artefact already; use it by its path, so that its history stays with it");
  if (fs::exists(session.place("models", a.name)) && !a.force)
    throw Failure(ErrorCode::kExists,
                  "models: \"" + a.name + "\" exists; give another --name, or --force to replace it");
}

Json import_model(Session& session, const ImportArguments& a) {
  const fs::path source = fs::absolute(a.source).lexically_normal(), output = session.place("models", a.name);
  require_importable(session, a, source);
  ledger::ArtefactWriter writer(output);
  check_loads(session.stream(), source);
  const std::string licence = a.licence.empty() ? inspect_model(source).licence.name : a.licence;
  const std::string origin = a.origin.empty() ? source.string() : a.origin;
  ledger::Manifest manifest{.kind = "model", .name = a.name};
  manifest.recipe = {{"verb", "import"}, {"source", source.string()}, {"copy", a.copy}};
  manifest.foreign = {foreign_origin(source, a.name, origin, licence, session.quiet)};
  copy_description(source, writer.directory());
  place_weights(source, writer.directory(), a.copy);
  const size_t tensors = manifest.foreign.front().tensors.size();
  writer.commit(std::move(manifest));
  return {{"name", a.name},     {"path", output.string()}, {"source", origin},
          {"licence", licence}, {"tensors", tensors},      {"copied", a.copy}};
}

std::string text_of(const Json& result) {
  const std::string licence = result["licence"].get<std::string>();
  return fmt::format("import       {}: {} tensors from {}, {}, weights {}", result["name"].get<std::string>(),
                     result["tensors"].get<int64_t>(), result["source"].get<std::string>(),
                     licence.empty() ? "no licence found" : "licence " + licence,
                     result["copied"].get<bool>() ? "copied" : "left in place");
}

void answer_adapter(Session& session, const ImportArguments& a) {
  const Json result = import_adapter(session, {.source = fs::absolute(a.source).lexically_normal(),
                                               .name = a.name,
                                               .origin = a.origin,
                                               .licence = a.licence,
                                               .copy = a.copy,
                                               .force = a.force});
  session.answer(result, text_of(result) + ", an adapter");
}

}  // namespace

void add_import(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("import", "take a model from outside into this home, with its origin on record");
  auto a = std::make_shared<ImportArguments>();
  verb->add_option("model", a->source, "a Hugging Face directory, a GGUF file, or a PEFT adapter's directory")
      ->required();
  verb->add_option("--name", a->name, "of the model here")->required();
  verb->add_option("--source", a->origin, "where it came from, for the record; default: the path");
  verb->add_option("--licence,--license", a->licence, "by name; default: from its README, licence file or metadata");
  verb->add_flag("--copy", a->copy, "copy the weights; without it they stay where they are and must not change");
  verb->add_flag("--force", a->force, "replace a model of this name");
  verb->footer(
      "Checks all that loading checks, hashes every tensor, and marks the model as foreign weights. Whatever is "
      "derived\n"
      "from it inherits that mark; `maru verify --from-scratch` shows it.");
  verb->callback([&session, a] {
    if (is_adapter(a->source)) return answer_adapter(session, *a);
    const Json result = import_model(session, *a);
    session.answer(result, text_of(result));
  });
}

}  // namespace maru::cli
