#include "data/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>

#include "base/hash.h"
#include "base/json_node.h"
#include "base/random.h"
#include "data/listing.h"
#include "data/packer.h"
#include "ledger/artefact_writer.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::data {
namespace {

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

Packed encode_text(text::TokenEncoder& encoder, const NamedText& text, double value) {
  Packed packed{.ids = {}, .source_bytes = text.text.size(), .value = value};
  encoder.encode(text.text, {.add_special_tokens = false, .parse_special = false}, packed.ids);
  if (packed.ids.empty()) throw Failure(ErrorCode::kInvalidArgument, text.field + ": has no tokens");
  return packed;
}

/// Whether lines have scores, and the line that says so.
struct ExpectedTexts {
  bool scored = false;
  std::string where;
};

const char* words_of_texts(bool scored) { return scored ? "two texts with a score" : "a query with its documents"; }

std::vector<Packed> encode_texts_line(const ExpectedTexts& expected, double highest, text::TokenEncoder& encoder,
                                      const Line& line) {
  const TextsLine read = parse_texts(line.text, line.where, highest).value();
  if (read.scored() != expected.scored)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: is {}, {} is {}: expected one form in all lines", line.where,
                              words_of_texts(read.scored()), expected.where, words_of_texts(expected.scored)));
  std::vector<Packed> all;
  try {
    for (const NamedText& positive : read.positives) {
      all.push_back(encode_text(encoder, read.query, read.score.value_or(kQueryValue)));
      all.push_back(encode_text(encoder, positive, read.score.value_or(kPositiveValue)));
      for (const NamedText& negative : read.negatives) all.push_back(encode_text(encoder, negative, kNegativeValue));
    }
  } catch (const Failure& failure) {
    throw Failure(failure.code(), line.where + ": " + failure.what());
  }
  return all;
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
  Json notes = Json::object();  // what else they say
};

PackResult run(PackJob job, ThreadPool& pool) {
  const PackOptions& options = job.options;
  const std::string key = ledger::stage_key(job.manifest.kind, job.manifest.recipe, job.manifest.inputs);
  if (!options.force && ledger::is_current(options.output, key)) {
    const Json notes = ledger::read_manifest(options.output).notes;
    return {notes.at("documents").get<int64_t>(), notes.at("tokens").get<int64_t>(), true};
  }
  if (options.before_replacing && fs::exists(options.output)) options.before_replacing();
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
  job.manifest.notes = std::move(job.notes);
  job.manifest.notes["documents"] = writer.num_documents(), job.manifest.notes["tokens"] = writer.num_tokens();
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

/// What of a line says whether it is held out: lines of which it is the same stay together.
using KeyOfLine = std::string (*)(std::string_view line);

std::string whole_line(std::string_view line) { return std::string(line); }

// What is wrong with a line is found, and named by its place, when it is encoded.
std::string query_of(std::string_view line) {
  const Result<TextsLine> read = parse_texts(line, "", kNoHighestScore);
  return read ? read.value().query.text : std::string(line);
}

/// A job that packs lines of JSON, split by hashes.
PackJob lines_job(const char* what, const std::vector<WeightedFile>& files, const ChatPackConfig& config,
                  const PackOptions& options, KeyOfLine key_of = whole_line) {
  const ledger::Place place = place_of(options);
  PackJob job{.options = options, .manifest = new_manifest(options, place), .in_template = true};
  job.manifest.seed = config.seed;
  job.manifest.recipe[what] = to_json(config);
  job.splits = {{"train", {}}, {"held_out", {}}};
  for (const WeightedFile& file : files) {
    job.manifest.inputs.push_back(ledger::raw_input("raw", file.path, place));
    const auto is_held_out = [seed = config.seed, share = config.held_out, key_of](std::string_view line) {
      return share > 0 && chance_of(key_of(line), seed) < share;
    };
    job.splits[0].files.push_back({file.path, [=, seed = config.seed](std::string_view line) {
                                     return is_held_out(line) ? 0 : copies_of(line, file.weight, seed);
                                   }});
    job.splits[1].files.push_back({file.path, [=](std::string_view line) { return int64_t{is_held_out(line)}; }});
  }
  return job;
}

/// One that writes them in the tokenizer's chat template.
PackJob template_job(const char* what, const text::ChatTemplate& chat_template, const std::vector<WeightedFile>& files,
                     const ChatPackConfig& config, const PackOptions& options) {
  if (config.highest_score)
    throw Failure(ErrorCode::kInvalidArgument, "highest_score: is of pairs of texts with a score, which these are not");
  PackJob job = lines_job(what, files, config, options);
  job.manifest.recipe["chat_template"] = chat_template.source();
  job.with_mask = true;
  return job;
}

// The tokens that the tokenizer puts before, between and behind one text or two, and the types of all.
Json frame_of(const std::vector<text::Wrapping::Part>& parts) {
  Json pieces = Json::array({Json::array()}), types = Json::array(), piece_types = pieces;
  for (const text::Wrapping::Part& part : parts) {
    if (part.sequence >= 0) {
      if (part.sequence != std::ssize(types))
        throw Failure(ErrorCode::kUnimplemented, "the tokenizer puts the second of two texts before the first");
      pieces.push_back(Json::array()), piece_types.push_back(Json::array()), types.push_back(part.type_id);
      continue;
    }
    for (const int32_t id : part.ids) pieces.back().push_back(id), piece_types.back().push_back(part.type_id);
  }
  return {{"pieces", pieces}, {"piece_types", piece_types}, {"types", types}};
}

// Of the first line that there is.
ExpectedTexts texts_of(const std::vector<WeightedFile>& files, double highest) {
  for (const WeightedFile& file : files) {
    LineReader lines(file.path);
    while (const auto line = lines.next()) {
      if (is_blank(*line)) continue;
      const std::string where = file.path.string() + ":" + std::to_string(lines.line_number());
      return {parse_texts(*line, where, highest).value().scored(), where};
    }
  }
  return {};
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

PackResult pack_texts(const ChatPackConfig& config, const PackOptions& options, ThreadPool& pool) {
  const std::vector<WeightedFile> files = chat_files(config);
  const double highest = config.highest_score.value_or(1);
  const ExpectedTexts expected = texts_of(files, highest);
  if (config.highest_score && !expected.scored)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("highest_score: {} is {}, without a score", expected.where, words_of_texts(false)));
  PackJob job = lines_job("texts", files, config, options, query_of);
  const text::Tokenizer tokenizer = text::load_tokenizer(options.tokenizer);
  job.notes = {{"scored", expected.scored},
               {"frame", frame_of(tokenizer.wrapping().single)},
               {"pair_frame", frame_of(tokenizer.wrapping().pair)}};
  job.manifest.recipe["pair_frame"] = job.notes["pair_frame"];  // packed again where this says more than it did
  job.count = "texts";
  job.with_values = true;
  job.encode = [expected, highest](text::TokenEncoder& encoder, const Line& line) {
    return encode_texts_line(expected, highest, encoder, line);
  };
  return run(std::move(job), pool);
}

}  // namespace maru::data
