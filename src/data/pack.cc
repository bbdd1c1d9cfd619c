#include "data/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>

#include "base/byte_source.h"
#include "base/hash.h"
#include "base/json_node.h"
#include "base/progress.h"
#include "base/random.h"
#include "data/listing.h"
#include "formats/token_dataset.h"
#include "ledger/artefact_writer.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/token_encoder.h"

namespace maru::data {
namespace {

constexpr size_t kBatchLines = 1024;
constexpr size_t kBatchBytes = 16 << 20;

struct Line {
  std::string text, where;
  int64_t copies = 1;
};

struct Packed {
  std::vector<int32_t> ids;
  std::vector<uint8_t> mask = {};
  uint64_t source_bytes = 0;
  double value = 0;
  std::string beside = {};  // its line in the file beside the shards, if there is one
};

/// Encodes one line, into a document or more; called on any thread with that thread's encoder. Throws Failure.
using EncodeLine = std::function<std::vector<Packed>(text::TokenEncoder&, const Line&)>;
/// How often a line is in a split; 0: not at all.
using CopiesOfLine = std::function<int64_t(std::string_view line)>;

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

/// Turns files of lines into the shards of one split after the other.
class Packer {
 public:
  Packer(const text::Tokenizer& tokenizer, formats::TokenDatasetWriter& writer, EncodeLine encode, ThreadPool& pool,
         const Watch& watch)
      : writer_(writer), encode_(std::move(encode)), pool_(pool), watch_(watch) {
    for (int i = 0; i < pool.size(); ++i) encoders_.emplace_back(tokenizer);
  }

  /// Documents that follow have lines in this file; empty: none have. The one before is finished.
  void begin_lines(const fs::path& path) {
    finish_lines();
    if (!path.empty()) lines_ = std::make_unique<AtomicFile>(path);
  }
  void finish_lines() {
    if (lines_) lines_->commit();
    lines_.reset();
  }

  void add_file(const fs::path& path, const CopiesOfLine& copies_of, Progress& progress) {
    LineReader lines(path);
    for (auto batch = next_batch(lines, path, copies_of); !batch.empty(); batch = next_batch(lines, path, copies_of)) {
      watch_.throw_if_cancelled();
      add_batch(batch);
      progress.add(batch.size());
    }
  }

 private:
  static std::vector<Line> next_batch(LineReader& lines, const fs::path& path, const CopiesOfLine& copies_of) {
    std::vector<Line> batch;
    size_t bytes = 0;
    while (batch.size() < kBatchLines && bytes < kBatchBytes) {
      const auto line = lines.next();
      if (!line) break;
      if (is_blank(*line)) continue;
      const int64_t copies = copies_of(*line);
      if (copies == 0) continue;
      bytes += line->size();
      batch.push_back({std::string(*line), path.string() + ":" + std::to_string(lines.line_number()), copies});
    }
    return batch;
  }

  // Errors are kept until all lines are done, so that the first line in order is the one that is named.
  void add_batch(const std::vector<Line>& batch) {
    std::vector<std::vector<Packed>> packed(batch.size());
    std::vector<std::optional<Error>> errors(batch.size());
    pool_.parallel_for(static_cast<int64_t>(batch.size()), [&](int64_t task, int worker) {
      const auto i = static_cast<size_t>(task);
      try {
        packed[i] = encode_(encoders_[static_cast<size_t>(worker)], batch[i]);
      } catch (const Failure& e) {
        errors[i] = e.error();
      }
    });
    for (size_t i = 0; i < batch.size(); ++i) {
      if (errors[i]) throw Failure(*errors[i]);
      for (int64_t copy = 0; copy < batch[i].copies; ++copy)
        for (const Packed& document : packed[i]) {
          writer_.add(document.ids, document.source_bytes, document.mask, document.value);
          if (lines_) lines_->write(document.beside + "\n");
        }
    }
  }

  formats::TokenDatasetWriter& writer_;
  const EncodeLine encode_;
  ThreadPool& pool_;
  const Watch watch_;
  std::vector<text::TokenEncoder> encoders_;
  std::unique_ptr<AtomicFile> lines_;
};

std::vector<Packed> encode_document(text::TokenEncoder& encoder, const Line& line) {
  const Json json = parse_json(line.text, line.where).value();
  const std::string& text = JsonNode(json, line.where)["text"].string();
  Packed packed;
  packed.ids.push_back(*encoder.tokenizer().bos());
  encoder.encode(text, {.add_special_tokens = false, .parse_special = false}, packed.ids);
  packed.ids.push_back(*encoder.tokenizer().eos());
  packed.source_bytes = text.size();
  return {packed};
}

// Of the messages behind the first `skip`.
uint64_t assistant_bytes(const Json& messages, size_t skip = 0) {
  uint64_t bytes = 0;
  for (const Json& message : messages)
    if (skip > 0)
      --skip;
    else if (message["role"] == "assistant" && message.contains("content") && message["content"].is_string())
      bytes += message["content"].get_ref<const std::string&>().size();
  return bytes;
}

// Of the stretches that are learned, one for each turn of the assistant, the first `turns` are no more.
void forget_turns(std::vector<uint8_t>& learned, size_t turns, size_t of) {
  size_t stretch = 0;
  for (size_t i = 0; i < learned.size(); ++i) {
    stretch += learned[i] != 0 && (i == 0 || learned[i - 1] == 0);
    if (stretch <= turns) learned[i] = 2 * learned[i];
  }
  if (stretch != of)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("the chat template sets {} of {} turns of the assistant apart from what is around them: "
                              "the answer cannot be told from the prompt",
                              stretch, of));
  for (uint8_t& one : learned) one = one == 1;
}

// Of the first `count` messages.
size_t assistant_turns(const Json& messages, size_t count) {
  const auto is_assistant = [](const Json& message) { return message["role"] == "assistant"; };
  return static_cast<size_t>(
      std::count_if(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count), is_assistant));
}

std::vector<Packed> encode_chat_line(const text::ChatTemplate& chat_template, text::TokenEncoder& encoder,
                                     const Line& line) {
  const ChatLine chat = parse_chat(line.text, line.where).value();
  try {
    const text::RenderedChat rendered =
        chat_template.render(chat.messages, {.tools = &chat.tools, .documents = &chat.documents, .mark_learned = true});
    text::EncodedChat encoded = text::encode_chat(encoder, rendered);
    if (const size_t asked = assistant_turns(chat.messages, chat.prompt_messages); asked > 0)
      forget_turns(encoded.learned, asked, assistant_turns(chat.messages, chat.messages.size()));
    return {{std::move(encoded.ids), std::move(encoded.learned), assistant_bytes(chat.messages, chat.prompt_messages)}};
  } catch (const Failure& failure) {
    throw Failure(failure.code(), line.where + ": " + failure.what());
  }
}

Packed encode_answer(const text::ChatTemplate& chat_template, text::TokenEncoder& encoder, const Json& messages,
                     const PreferenceLine& line) {
  text::EncodedChat encoded =
      text::encode_chat(encoder, chat_template.render(messages, {.tools = &line.tools, .mark_learned = true}));
  forget_turns(encoded.learned, assistant_turns(messages, line.prompt_messages),
               assistant_turns(messages, messages.size()));
  return {std::move(encoded.ids), std::move(encoded.learned), assistant_bytes(messages, line.prompt_messages),
          line.value};
}

const char* words_of(PreferenceForm form) {
  if (form == PreferenceForm::kLabelled) return "one answer with a label";
  return form == PreferenceForm::kPairs ? "a pair of answers without a margin" : "a pair of answers with a margin";
}

/// The form that all lines have, and the line that says so.
struct ExpectedForm {
  PreferenceForm form = PreferenceForm::kPairs;
  std::string where;
};

void check_form(PreferenceForm form, const std::string& where, const ExpectedForm& expected) {
  if (form == expected.form) return;
  throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: is {}, {} is {}: expected one form in all lines", where,
                                                         words_of(form), expected.where, words_of(expected.form)));
}

std::vector<Packed> encode_preference_line(const ExpectedForm& expected, const text::ChatTemplate& chat_template,
                                           text::TokenEncoder& encoder, const Line& line) {
  const PreferenceLine read = parse_preference(line.text, line.where).value();
  check_form(read.form, line.where, expected);
  try {
    std::vector<Packed> all{encode_answer(chat_template, encoder, read.chosen, read)};
    if (read.form == PreferenceForm::kLabelled) return all;
    all.push_back(encode_answer(chat_template, encoder, read.rejected, read));
    if (all[0].ids == all[1].ids)
      throw Failure(ErrorCode::kInvalidArgument, "rejected: is the same as chosen once it is in the chat template");
    return all;
  } catch (const Failure& failure) {
    throw Failure(failure.code(), line.where + ": " + failure.what());
  }
}

uint64_t prompt_bytes(const Json& messages) {
  uint64_t bytes = 0;
  for (const Json& message : messages)
    if (message.contains("content") && message["content"].is_string())
      bytes += message["content"].get_ref<const std::string&>().size();
  return bytes;
}

std::vector<Packed> encode_prompt_line(const text::ChatTemplate& chat_template, text::TokenEncoder& encoder,
                                       const Line& line) {
  const PromptLine prompt = parse_prompt(line.text, line.where).value();
  try {
    const text::RenderedChat rendered =
        chat_template.render(prompt.messages, {.tools = &prompt.tools, .add_generation_prompt = true});
    const std::string where = fs::path(line.where).filename().string();  // places of this machine are nobody's business
    return {Packed{.ids = text::encode_chat(encoder, rendered).ids,
                   .source_bytes = prompt_bytes(prompt.messages),
                   .beside = Json{{"where", where}, {"line", prompt.line}}.dump()}};
  } catch (const Failure& failure) {
    throw Failure(failure.code(), line.where + ": " + failure.what());
  }
}

std::shared_ptr<const text::ChatTemplate> load_chat_template(const fs::path& path) {
  std::optional<text::ChatTemplate> found = text::ChatTemplate::load(path, text::load_tokenizer(path));
  if (!found)
    throw Failure(ErrorCode::kInvalidArgument,
                  path.string() + ": the tokenizer has no chat template, nor the special tokens of ChatML");
  return std::make_shared<const text::ChatTemplate>(std::move(*found));
}

text::Tokenizer load_tokenizer(const fs::path& path, bool with_document_marks) {
  text::Tokenizer tokenizer = text::load_tokenizer(path);
  if (with_document_marks && (!tokenizer.bos() || !tokenizer.eos()))
    throw Failure(ErrorCode::kInvalidArgument, path.string() + ": the tokenizer has no bos or no eos token");
  return tokenizer;
}

ledger::ManifestInput tokenizer_input(const fs::path& path, const ledger::Place& place) {
  const fs::path directory = fs::is_directory(path) ? path : path.parent_path();
  if (fs::exists(directory / ledger::kManifestName)) return ledger::artefact_input("tokenizer", directory, place);
  return ledger::raw_input("tokenizer", fs::is_directory(path) ? path / "tokenizer.json" : path, place);
}

struct SplitFile {
  fs::path path;
  CopiesOfLine copies;
};

struct Split {
  std::string name;
  std::vector<SplitFile> files;
};

struct PackJob {
  const PackOptions& options;
  ledger::Manifest manifest;
  std::vector<Split> splits;
  EncodeLine encode;
  bool in_template = false;                                         // no marks around documents
  bool with_mask = false, with_values = false, with_lines = false;  // lines: in a file beside the shards
  std::string_view count = {};                                      // of the notes: how many of what there are
  int64_t documents_of_each = 1;
};

PackResult run(PackJob job, ThreadPool& pool) {
  const PackOptions& options = job.options;
  const std::string key = ledger::stage_key(job.manifest.kind, job.manifest.recipe, job.manifest.inputs);
  if (!options.force && ledger::is_current(options.output, key)) {
    const Json notes = ledger::read_manifest(options.output).notes;
    return {notes.at("documents").get<int64_t>(), notes.at("tokens").get<int64_t>(), true};
  }
  const text::Tokenizer tokenizer = load_tokenizer(options.tokenizer, !job.in_template);
  ledger::ArtefactWriter artefact(options.output);
  formats::TokenDatasetWriter writer(artefact.directory(), static_cast<uint32_t>(tokenizer.vocab_size()), job.with_mask,
                                     options.tokens_per_shard, job.with_values);
  Packer packer(tokenizer, writer, std::move(job.encode), pool, options.watch);
  Progress progress(options.watch, "pack", 0, "documents");
  for (const Split& split : job.splits) {
    writer.begin_split(split.name);
    packer.begin_lines(job.with_lines ? prompt_lines_file(artefact.directory(), split.name) : fs::path());
    for (const SplitFile& file : split.files) packer.add_file(file.path, file.copies, progress);
  }
  packer.finish_lines();
  writer.finish();
  if (writer.num_documents() == 0)
    throw Failure(ErrorCode::kInvalidArgument, job.splits[0].files[0].path.string() + ": contains no documents");
  job.manifest.notes = {{"documents", writer.num_documents()}, {"tokens", writer.num_tokens()}};
  if (!job.count.empty()) job.manifest.notes[std::string(job.count)] = writer.num_documents() / job.documents_of_each;
  artefact.commit(std::move(job.manifest));
  return {writer.num_documents(), writer.num_tokens(), false};
}

ledger::Manifest new_manifest(const PackOptions& options, const ledger::Place& place) {
  ledger::Manifest manifest;
  manifest.kind = "tokens";
  manifest.name = place.directory.filename().string();
  manifest.recipe = {{"tokens_per_shard", options.tokens_per_shard}};
  manifest.inputs = {tokenizer_input(options.tokenizer, place)};
  return manifest;
}

ledger::Place place_of(const PackOptions& options) {
  const fs::path full = fs::absolute(options.output).lexically_normal();
  return {full.has_filename() ? full : full.parent_path(), options.home};
}

/// A file, and how often a pass over the data shows its lines.
struct WeightedFile {
  fs::path path;
  double weight = 1;
};

std::vector<WeightedFile> chat_files(const ChatPackConfig& config) {
  if (!config.weights.empty() && config.weights.size() != config.inputs.size())
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("weights: expected one for each of {} inputs, got {}",
                                                           config.inputs.size(), config.weights.size()));
  std::vector<WeightedFile> files;
  for (size_t i = 0; i < config.inputs.size(); ++i)
    for (const fs::path& path : files_to_read(config.inputs[i]))
      files.push_back({path, config.weights.empty() ? 1 : config.weights[i]});
  if (files.empty()) throw Failure(ErrorCode::kInvalidArgument, "inputs: expected at least one JSONL file");
  return files;
}

// Of the first line that there is.
ExpectedForm form_of(const std::vector<WeightedFile>& files) {
  for (const WeightedFile& file : files) {
    LineReader lines(file.path);
    while (const auto line = lines.next()) {
      if (is_blank(*line)) continue;
      const std::string where = file.path.string() + ":" + std::to_string(lines.line_number());
      return {parse_preference(*line, where).value().form, where};
    }
  }
  return {};
}

// From 0 to 1, of the line alone: where it stands and what else there is change nothing.
double chance_of(std::string_view line, uint64_t seed) {
  return static_cast<double>(hash64(line, seed) >> 11) * 0x1p-53;
}

int64_t copies_of(std::string_view line, double weight, uint64_t seed) {
  const double whole = std::floor(weight);
  return static_cast<int64_t>(whole) + (chance_of(line, derive_seed(seed, "weights")) < weight - whole);
}

}  // namespace

PackResult pack_dataset(const fs::path& dataset, const PackOptions& options, ThreadPool& pool) {
  const ledger::Place place = place_of(options);
  PackJob job{options, new_manifest(options, place), {}, encode_document};
  job.manifest.inputs.push_back(ledger::artefact_input("dataset", dataset, place));
  for (const char* name : {"train", "held_out"})
    job.splits.push_back(
        {name, {{dataset / (std::string(name) + ".jsonl.zst"), [](std::string_view) { return int64_t{1}; }}}});
  return run(std::move(job), pool);
}

namespace {

/// A job that writes lines of JSON in the tokenizer's chat template, split by their hashes.
PackJob template_job(const char* what, const text::ChatTemplate& chat_template, const std::vector<WeightedFile>& files,
                     const ChatPackConfig& config, const PackOptions& options) {
  const ledger::Place place = place_of(options);
  PackJob job{.options = options, .manifest = new_manifest(options, place), .in_template = true, .with_mask = true};
  job.manifest.seed = config.seed;
  job.manifest.recipe[what] = to_json(config);
  job.manifest.recipe["chat_template"] = chat_template.source();
  job.splits = {{"train", {}}, {"held_out", {}}};
  for (const WeightedFile& file : files) {
    job.manifest.inputs.push_back(ledger::raw_input("raw", file.path, place));
    const auto is_held_out = [seed = config.seed, share = config.held_out](std::string_view line) {
      return chance_of(line, seed) < share;
    };
    job.splits[0].files.push_back({file.path, [=, seed = config.seed](std::string_view line) {
                                     return is_held_out(line) ? 0 : copies_of(line, file.weight, seed);
                                   }});
    job.splits[1].files.push_back({file.path, [=](std::string_view line) { return int64_t{is_held_out(line)}; }});
  }
  return job;
}

}  // namespace

PackResult pack_chats(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool) {
  const auto chat_template = load_chat_template(options.tokenizer);
  PackJob job = template_job("chat", *chat_template, chat_files(config), config, options);
  job.encode = [chat_template](text::TokenEncoder& encoder, const Line& line) {
    return encode_chat_line(*chat_template, encoder, line);
  };
  return run(std::move(job), pool);
}

PackResult pack_preferences(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool) {
  const auto chat_template = load_chat_template(options.tokenizer);
  const std::vector<WeightedFile> files = chat_files(config);
  const ExpectedForm expected = form_of(files);
  PackJob job = template_job("preferences", *chat_template, files, config, options);
  const bool labelled = expected.form == PreferenceForm::kLabelled;
  job.count = labelled ? "labelled" : "pairs";
  job.documents_of_each = labelled ? 1 : 2;
  job.with_values = expected.form != PreferenceForm::kPairs;
  job.encode = [chat_template, expected](text::TokenEncoder& encoder, const Line& line) {
    return encode_preference_line(expected, *chat_template, encoder, line);
  };
  return run(std::move(job), pool);
}

fs::path prompt_lines_file(const fs::path& directory, std::string_view split) {
  return directory / (std::string(split) + ".prompts.jsonl");
}

PackResult pack_prompts(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool) {
  const auto chat_template = load_chat_template(options.tokenizer);
  PackJob job = template_job("prompts", *chat_template, chat_files(config), config, options);
  job.with_mask = false, job.with_lines = true;
  job.count = "prompts";
  job.encode = [chat_template](text::TokenEncoder& encoder, const Line& line) {
    return encode_prompt_line(*chat_template, encoder, line);
  };
  return run(std::move(job), pool);
}

}  // namespace maru::data
