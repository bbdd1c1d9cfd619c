// maru quantize: a model with weights of 8 or 4 bits, and what that costs in bits per byte.
#include <fmt/format.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/foreign.h"
#include "cli/lineage.h"
#include "cli/verbs.h"
#include "eval/windows.h"
#include "ledger/artefact_writer.h"
#include "models/calibrate.h"
#include "models/checkpoint.h"
#include "models/quantized_files.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "train/validate.h"

namespace maru::cli {
namespace {

constexpr int64_t kLongestWindow = 2048;
constexpr uint64_t kBytesPerToken = 4;  // of text that are read for each token that is wanted, about

struct QuantizeArguments {
  std::string model, to = "int4", out, calibrate, text;
  int64_t calibrate_tokens = 65536, text_tokens = 65536;
  bool force = false;
};

/// A text by path, or a dataset's train or held_out file by its name.
fs::path find_text(const Session& session, const std::string& name, const char* split) {
  const fs::path found = session.find("datasets", name);
  return fs::is_directory(found) ? found / (std::string(split) + ".jsonl.zst") : found;
}

/// Windows of a text that the user named.
eval::Windows windows_of_file(const fs::path& file, const text::Tokenizer& tokenizer, int64_t length, int64_t most) {
  const uint64_t bytes = most > 0 ? static_cast<uint64_t>(most) * kBytesPerToken : UINT64_MAX;
  return eval::windows_of(eval::read_documents(file, bytes), tokenizer, length, most);
}

/// What the change of bits per byte is measured on: --text, or the held-out documents that the ledger names.
struct Measured {
  std::string on;  // empty: nothing
  eval::Windows windows;
  std::optional<formats::TokenDataset> held_out;
  int64_t tokens = 0;  // to be counted, about
};

Measured measured_text(const Session& session, const QuantizeArguments& a, const fs::path& model,
                       const text::Tokenizer& tokenizer, int64_t window) {
  Measured m;
  if (!a.text.empty()) {
    const fs::path file = find_text(session, a.text, "held_out");
    m.on = file.string();
    m.windows = windows_of_file(file, tokenizer, window, a.text_tokens);
    m.tokens = m.windows.counted;
  } else if (const fs::path tokens = tokens_behind(model); !tokens.empty() && fs::exists(tokens)) {
    m.on = tokens.string() + ": held_out";
    m.held_out.emplace(tokens, "held_out");
    m.tokens = m.held_out->num_tokens();
    if (a.text_tokens > 0) m.tokens = std::min(m.tokens, a.text_tokens);
  }
  return m;
}

Json bits_per_byte(Session& session, Decoder& model, const Measured& measured, int64_t window) {
  StepMemory memory(session.stream());
  Progress bar("score", static_cast<uint64_t>(measured.tokens), "tokens", session.quiet);
  const auto progress = [&](int64_t tokens) {
    throw_if_interrupted();
    bar.update(static_cast<uint64_t>(tokens));
  };
  if (!measured.held_out) return eval::score_windows(memory, model, measured.windows, progress).bits_per_byte();
  const auto score = train::validate(memory, model, *measured.held_out, window, std::max<int64_t>(window, 4096),
                                     measured.tokens, 0, progress);
  return train::number_or_null(score.bits_per_byte());
}

void round_weights(Session& session, Decoder& model, QuantizedKind kind,
                   const std::vector<std::vector<int32_t>>& calibration) {
  int64_t weights = 0;
  for (const ParameterInfo& info : parameters_to_round(model)) weights += info.shape.size();
  Progress bar("quantize", static_cast<uint64_t>(weights), "weights", session.quiet);
  const auto progress = [&](int64_t done) {
    throw_if_interrupted();
    bar.update(static_cast<uint64_t>(done));
  };
  if (calibration.empty())
    quantize_weights(session.stream(), model, kind, QuantizedKind::kInt8, progress);
  else
    quantize_calibrated(session.stream(), model, kind, calibration, QuantizedKind::kInt8, progress);
}

// The windows without their last tokens, which are only predicted.
std::vector<std::vector<int32_t>> calibration_of(const QuantizeArguments& a, const fs::path& text,
                                                 const text::Tokenizer& tokenizer, int64_t window) {
  std::vector<std::vector<int32_t>> tokens;
  if (text.empty()) return tokens;
  tokens = windows_of_file(text, tokenizer, window, a.calibrate_tokens).tokens;
  if (tokens.empty()) throw Failure(ErrorCode::kInvalidArgument, text.string() + ": is too short to calibrate with");
  for (std::vector<int32_t>& each : tokens) each.pop_back();
  return tokens;
}

std::unique_ptr<Decoder> load_plain(const fs::path& directory) {
  refuse_gguf(directory, "quantized");
  if (!fs::is_directory(directory))
    throw Failure(ErrorCode::kUnimplemented, directory.string() + ": expected a Hugging Face directory");
  auto model = load_model(directory);
  if (has_quantized_weights(*model))
    throw Failure(ErrorCode::kInvalidArgument,
                  directory.string() + ": is quantized already; quantize the model that it came from");
  return model;
}

void write_model(Session& session, const QuantizeArguments& a, const fs::path& source, const fs::path& text,
                 const fs::path& out, ledger::ArtefactWriter& writer, Decoder& model, QuantizedKind kind) {
  ledger::Manifest manifest{.kind = "model", .name = directory_name(out)};
  manifest.recipe = {{"verb", "quantize"}, {"to", a.to}, {"calibrate", !text.empty()}};
  add_origin(session, manifest, "model", source, source, out);
  if (!text.empty()) {
    manifest.recipe["calibrate_tokens"] = a.calibrate_tokens;
    const ledger::Place place{out, session.home};
    const bool artefact = fs::exists(text.parent_path() / ledger::kManifestName);
    manifest.inputs.push_back(artefact ? ledger::artefact_input("calibration", text.parent_path(), place)
                                       : ledger::raw_input("calibration", text, place));
  }
  save_weights(model, writer.directory() / "model.safetensors");
  Json config = read_json(source / "config.json");
  config["quantization_config"] = quantization_json(kind, QuantizedKind::kInt8, text.empty() ? "none" : "gptq");
  write_json(writer.directory() / "config.json", config);
  copy_beside(source, writer.directory());
  throw_if_interrupted();
  writer.commit(std::move(manifest));
}

Json quantize_model(Session& session, const QuantizeArguments& a) {
  const fs::path out = new_model(session, a.out, a.force), source = session.find("models", a.model);
  const fs::path text = a.calibrate.empty() ? fs::path() : find_text(session, a.calibrate, "train");
  const QuantizedKind kind = a.to == "int8" ? QuantizedKind::kInt8 : QuantizedKind::kInt4;
  ledger::ArtefactWriter writer(out);  // before the work: nobody else makes it, and it can be written
  const auto model = load_plain(source);
  const auto tokenizer = text::load_tokenizer(source);
  const int64_t window = std::min(kLongestWindow, model->config().max_position_embeddings);
  const Measured measured = measured_text(session, a, source, tokenizer, window);
  const auto calibration = calibration_of(a, text, tokenizer, window);
  const bool scored = measured.tokens > 0;
  Json result{{"path", out.string()}, {"to", a.to}, {"bytes_before", weight_bytes(*model)}};
  if (scored) result["bits_per_byte_before"] = bits_per_byte(session, *model, measured, window);
  round_weights(session, *model, kind, calibration);
  if (scored) result["bits_per_byte"] = bits_per_byte(session, *model, measured, window);
  if (scored) result["measured_on"] = {{"text", measured.on}, {"tokens", measured.tokens}};
  result["bytes"] = weight_bytes(*model);
  write_model(session, a, source, text, out, writer, *model, kind);
  return result;
}

std::string text_of(const Json& r) {
  const double before = r["bytes_before"].get<double>(), after = r["bytes"].get<double>();
  std::string text =
      fmt::format("quantize     {}: {}, {} → {} ({:.1f} %)", r["path"].get<std::string>(), r["to"].get<std::string>(),
                  short_bytes(before), short_bytes(after), 100 * after / before);
  if (!r.contains("bits_per_byte") || r["bits_per_byte"].is_null())
    return text + "\n             bits per byte not measured: the ledger names no held-out text; --text FILE gives one";
  const double was = r["bits_per_byte_before"].get<double>(), is = r["bits_per_byte"].get<double>();
  return text + fmt::format("\n             bits per byte {:.4f} → {:.4f} ({:+.2f} %) on {} tokens of {}", was, is,
                            100 * (is / was - 1), r["measured_on"]["tokens"].get<int64_t>(),
                            r["measured_on"]["text"].get<std::string>());
}

}  // namespace

void add_quantize(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("quantize", "round a model's weights to 8 or 4 bits, and say what that costs");
  auto a = std::make_shared<QuantizeArguments>();
  verb->add_option("model", a->model, "a model by name or Hugging Face directory")->required();
  verb->add_option("--to", a->to, "int4 (the default) or int8; tables are int8 in both")
      ->check(CLI::IsMember({"int4", "int8"}));
  verb->add_option("--out", a->out, "name of the new model, or a path with a '/'")->required();
  verb->add_option("--calibrate", a->calibrate,
                   "round for this text (GPTQ): a text or JSONL file, or a dataset by name for its training documents");
  verb->add_option("--calibrate-tokens", a->calibrate_tokens, "of it are used at most")
      ->check(whole_number_in(1, 1 << 24));
  verb->add_option("--text", a->text,
                   "measure bits per byte on this text: a text or JSONL file, or a dataset by name for its held-out\n"
                   "documents; default: those of the model's own training data");
  verb->add_option("--text-tokens", a->text_tokens, "of it are scored, whole documents; 0: all")
      ->check(whole_number_in(0, int64_t{1} << 40));
  verb->add_flag("--force", a->force, "replace what is there");
  verb->callback([&session, a] {
    const Json result = quantize_model(session, *a);
    session.answer(result, text_of(result));
  });
}

}  // namespace maru::cli
