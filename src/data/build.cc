#include "data/build.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/path_text.h"
#include "base/progress.h"
#include "data/minhash.h"
#include "data/report.h"
#include "data/split.h"
#include "data/spool.h"
#include "data/zstd_file.h"
#include "ledger/artefact_writer.h"
#include "text/langid/langid.h"

namespace maru::data {
namespace {

constexpr size_t kBatchItems = 1024;
constexpr uint64_t kBatchBytes = 64 << 20;

CleanConfig clean_config(const BuildConfig& config) {
  return {config.inputs,
          config.skip_malformed,
          config.max_file_bytes,
          config.max_undecodable,
          config.language,
          config.quality,
          config.pii};
}

std::vector<RawItem> next_batch(SourceReader& reader) {
  std::vector<RawItem> batch;
  uint64_t bytes = 0;
  while (batch.size() < kBatchItems && bytes < kBatchBytes) {
    auto item = reader.next();
    if (!item) break;
    bytes += item->bytes_hint;
    batch.push_back(std::move(*item));
  }
  return batch;
}

class Builder {
 public:
  Builder(const BuildConfig& config, const BuildOptions& options, ThreadPool& pool, const fs::path& directory)
      : config_(config),
        options_(options),
        pool_(pool),
        directory_(directory),
        clean_(clean_config(config)),
        hasher_(config.seed, config.duplicates.shingle_characters),
        exact_(std::in_place, directory / "sources.spool"),
        paragraphs_(config.duplicates.paragraph_min_characters),
        spool_(directory) {}

  Json run(SourceReader& reader) {
    stream(reader);
    name_firsts();
    spool_.finish();
    write_splits(find_near_duplicates());
    if (report_.documents_out() == 0)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("empty corpus: of {} documents none is left: {}", report_[Step::kRead].documents_in,
                                report_.reasons_text()));
    return to_json(report_.contents());
  }

 private:
  struct Document {
    const RawItem* item;
    std::string text, language, line;
    Signature signature;
    SpoolEntry entry;
  };

  void stream(SourceReader& reader) {
    const uint64_t total = reader.has_lines() ? 0 : reader.files().size();
    Progress progress(options_.watch, "curate", total, "documents");
    for (auto batch = next_batch(reader); !batch.empty(); batch = next_batch(reader)) {
      options_.watch.throw_if_cancelled();
      std::vector<CleanResult> results(batch.size());
      pool_.parallel_for(static_cast<int64_t>(batch.size()), [&](int64_t i, int) {
        results[static_cast<size_t>(i)] = clean_item(batch[static_cast<size_t>(i)], clean_, options_.identify);
      });
      std::vector<Document> documents;
      for (size_t i = 0; i < batch.size(); ++i) take(batch[i], std::move(results[i]), documents);
      prepare(documents);
      for (const Document& d : documents) spool_.add(d.entry, d.line, config_.duplicates.near ? &d.signature : nullptr);
      progress.add(batch.size());
    }
  }

  // Counts what happened to an item and passes it on if it is still there. In document order.
  void take(const RawItem& item, CleanResult result, std::vector<Document>& documents) {
    if (result.error) throw Failure(*result.error);
    for (size_t step = 0; step < result.bytes.size(); ++step)
      report_.passed(static_cast<Step>(step), result.bytes[step].first, result.bytes[step].second);
    for (const CleanResult::Change& change : result.changes) report_.changed(change.step, change.what, change.times);
    if (result.reason == "unknown_format") report_.unknown_format(result.extension);
    if (!result.reason.empty())
      return report_.dropped(result.ended_at, result.bytes_into_end, result.reason, {item.source, result.text, ""});
    const uint64_t bytes_in = result.text.size();
    if (drop_exact_duplicate(item, result)) return;
    report_.passed(Step::kExactDuplicates, bytes_in, result.text.size());
    documents.push_back({&item, std::move(result.text), std::move(result.language), "", {}, {}});
  }

  bool drop_exact_duplicate(const RawItem& item, CleanResult& result) {
    const uint64_t bytes_in = result.text.size();
    const auto drop = [&](std::string_view reason) {
      report_.dropped(Step::kExactDuplicates, bytes_in, reason, {item.source, result.text, ""});
      return true;
    };
    if (config_.duplicates.exact)
      if (const Hash128 key = text_key(result.text); !exact_->add(key, item.source)) {
        drop("duplicate");
        if (shown_.size() < duplicates_shown().size()) shown_.push_back(key);
        return true;
      }
    if (!config_.duplicates.paragraphs) return false;
    int64_t removed = 0;
    std::string rest = paragraphs_.without_repeated(result.text, removed);
    report_.changed(Step::kExactDuplicates, "paragraphs", removed);
    if (removed > 0 && quality_reason(rest, config_.quality) == "too_short") return drop("duplicate_paragraphs");
    if (rest.empty()) return drop("duplicate_paragraphs");
    result.text = std::move(rest);
    return false;
  }

  std::vector<DropSample>& duplicates_shown() { return report_[Step::kExactDuplicates].reasons["duplicate"].samples; }

  // Which documents the duplicates that are shown are the same as. No text comes after this: their memory goes.
  void name_firsts() {
    if (!shown_.empty()) {
      const std::vector<std::string> sources = exact_->sources_of(shown_);
      for (size_t i = 0; i < sources.size(); ++i) duplicates_shown()[i].duplicate_of = sources[i];
    }
    exact_.reset();
  }

  // What is costly and concerns one document alone: signature, id, JSON.
  void prepare(std::vector<Document>& documents) {
    pool_.parallel_for(static_cast<int64_t>(documents.size()), [&](int64_t i, int) {
      Document& d = documents[static_cast<size_t>(i)];
      const std::string id = document_id(d.text);
      if (config_.duplicates.near) d.signature = hasher_.signature(d.text);
      d.line = Json{{"id", id}, {"text", d.text}, {"source", d.item->source}, {"language", d.language}}.dump() + "\n";
      d.entry.text_bytes = d.text.size();
      d.entry.split_draw = static_cast<double>(hash64(id, config_.seed) >> 11) * 0x1p-53;
    });
    for (Document& d : documents) d.entry.language = language_index(d.language);
  }

  uint16_t language_index(const std::string& language) {
    const auto index = std::find(languages_.begin(), languages_.end(), language) - languages_.begin();
    if (index == std::ssize(languages_)) languages_.push_back(language);
    return static_cast<uint16_t>(index);
  }

  // The entries that stay.
  std::vector<size_t> find_near_duplicates() {
    options_.watch.throw_if_cancelled();
    std::vector<uint32_t> first;
    if (config_.duplicates.near)
      first = near_duplicate_groups(spool_.signatures(), config_.duplicates.threshold, pool_,
                                    [this](std::span<const Signature> part) { spool_.release(part); });
    std::vector<size_t> kept;
    kept.reserve(spool_.size());
    for (size_t i = 0; i < spool_.size(); ++i) {
      const uint64_t bytes = spool_.entry(i).text_bytes;
      if (first.empty() || first[i] == i) {
        report_.passed(Step::kNearDuplicates, bytes, bytes);
        kept.push_back(i);
      } else {
        report_.dropped(Step::kNearDuplicates, bytes, "near_duplicate", near_duplicate_sample(i, first[i]));
      }
    }
    return kept;
  }

  // Only the first few near-duplicates are shown, so only their lines are parsed.
  DropSample near_duplicate_sample(size_t document, size_t first) {
    if (report_[Step::kNearDuplicates].reasons["near_duplicate"].samples.size() >= 3) return {};
    const Json row = Json::parse(spool_.line(document));
    return {row.at("source").get<std::string>(), row.at("text").get<std::string>(),
            Json::parse(spool_.line(first)).at("source").get<std::string>()};
  }

  void write_splits(const std::vector<size_t>& kept) {
    ZstdFile train(directory_ / "train.jsonl.zst"), held_out(directory_ / "held_out.jsonl.zst");
    std::vector<SplitCandidate> documents;
    documents.reserve(kept.size());
    for (size_t k : kept) documents.push_back({spool_.entry(k).split_draw, spool_.entry(k).text_bytes});
    const SplitPlan plan = plan_split(documents, config_.split.held_out);
    for (size_t k = 0; k < kept.size(); ++k) {
      const SpoolEntry entry = spool_.entry(kept[k]);
      report_.passed(Step::kSplit, entry.text_bytes, entry.text_bytes);
      if (plan.cut == k && write_cut(kept[k], plan.cut_bytes, train, held_out)) continue;
      (plan.held_out[k] ? held_out : train).write(spool_.line(kept[k]));
      report_.kept(languages_[entry.language], plan.held_out[k] ? "held_out" : "train", entry.text_bytes);
    }
    train.commit();
    held_out.commit();
  }

  // One document as two, its end held out; false when there is no place to cut it.
  bool write_cut(size_t document, uint64_t end_bytes, ZstdFile& train, ZstdFile& held_out) {
    Json row = Json::parse(spool_.line(document));
    const std::string text = row.at("text").get<std::string>();
    const auto at = cut_position(text, end_bytes);
    if (!at) return false;
    const auto write = [&](ZstdFile& file, const char* split, std::string part) {
      row["id"] = document_id(part);
      report_.kept(languages_[spool_.entry(document).language], split, part.size());
      row["text"] = std::move(part);
      file.write(row.dump() + "\n");
    };
    write(train, "train", text.substr(0, text.find_last_not_of('\n', *at - 1) + 1));
    write(held_out, "held_out", text.substr(text.find_first_not_of('\n', *at)));
    report_.changed(Step::kSplit, "documents_cut", 1);
    return true;
  }

  const BuildConfig& config_;
  const BuildOptions& options_;
  ThreadPool& pool_;
  const fs::path directory_;
  const CleanConfig clean_;
  const MinHasher hasher_;
  std::optional<ExactDuplicates> exact_;
  std::vector<Hash128> shown_;  // keys of the duplicates that the report shows
  ParagraphDuplicates paragraphs_;
  Spool spool_;
  DataReport report_;
  std::vector<std::string> languages_;
};

BuildOptions with_defaults(BuildOptions options) {
  if (!options.hasher) options.hasher = sha256_file;
  if (!options.identify)
    options.identify = [identifier = text::LanguageIdentifier::builtin()](std::string_view text) {
      return identifier.identify(text);
    };
  options.output = fs::absolute(options.output).lexically_normal();
  if (!options.output.has_filename()) options.output = options.output.parent_path();
  return options;
}

ledger::Manifest manifest_of(const BuildConfig& config, const BuildOptions& options, const SourceReader& reader) {
  ledger::Manifest manifest;
  manifest.kind = "dataset";
  manifest.name = options.output.filename().string();
  manifest.seed = config.seed;
  manifest.recipe = to_json(config);
  const ledger::Place place{options.output, options.home};
  for (const SourceReader::File& file : reader.files())
    if (file.skipped.empty()) manifest.inputs.push_back(ledger::raw_input("raw", file.path, place, options.hasher));
  return manifest;
}

struct Stamp {
  uint64_t bytes = 0;
  fs::file_time_type modified;
  bool operator==(const Stamp&) const = default;
};

// Of each file that is read: when it changes between its hashing and its reading, the manifest would not be true.
std::vector<Stamp> stamps_of(const SourceReader& reader) {
  std::vector<Stamp> stamps;
  for (const SourceReader::File& file : reader.files()) {
    std::error_code error;  // what went away is named by whoever reads it, or differs in the end
    if (file.skipped.empty())
      stamps.push_back({fs::file_size(file.path, error), fs::last_write_time(file.path, error)});
  }
  return stamps;
}

void check_unchanged(const SourceReader& reader, const std::vector<Stamp>& before) {
  const std::vector<Stamp> after = stamps_of(reader);
  size_t i = 0;
  for (const SourceReader::File& file : reader.files()) {
    if (!file.skipped.empty()) continue;
    if (after[i] != before[i])
      throw Failure(ErrorCode::kDataLoss,
                    path_text(file.path) + ": changed while the dataset was built; build it again");
    ++i;
  }
}

}  // namespace

BuildResult build_dataset(const BuildConfig& config, const BuildOptions& given, ThreadPool& pool) {
  const BuildOptions options = with_defaults(given);
  SourceReader reader(config.inputs);
  const std::vector<Stamp> stamps = stamps_of(reader);
  ledger::Manifest manifest = manifest_of(config, options, reader);
  const std::string key = ledger::stage_key(manifest.kind, manifest.recipe, manifest.inputs);
  if (!options.force && ledger::is_current(options.output, key))
    return {read_json(options.output / "report.json"), true};
  ledger::ArtefactWriter writer(options.output);
  Json report = Builder(config, options, pool, writer.directory()).run(reader);
  check_unchanged(reader, stamps);
  write_json(writer.directory() / "report.json", report);
  write_file(writer.directory() / "report.txt", report_table(report));
  writer.commit(std::move(manifest));
  return {std::move(report), false};
}

}  // namespace maru::data
