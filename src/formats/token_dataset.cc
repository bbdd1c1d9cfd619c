#include "formats/token_dataset.h"

#include <algorithm>

#include "base/fields.h"

namespace maru::formats {
namespace {

struct ShardEntry {
  std::string path;
  int64_t documents = 0, tokens = 0;
  static constexpr auto fields() {
    return std::tuple{field("path", &ShardEntry::path, "file name"),
                      field("documents", &ShardEntry::documents, "documents in it").range(0, 1e15),
                      field("tokens", &ShardEntry::tokens, "tokens in it").range(0, 1e15)};
  }
};

struct SplitEntry {
  std::string name;
  int64_t documents = 0, tokens = 0, source_bytes = 0;
  std::vector<ShardEntry> shards;
  static constexpr auto fields() {
    return std::tuple{field("name", &SplitEntry::name, "train or held_out"),
                      field("documents", &SplitEntry::documents, "documents in all").range(0, 1e15),
                      field("tokens", &SplitEntry::tokens, "tokens in all").range(0, 1e15),
                      field("source_bytes", &SplitEntry::source_bytes, "bytes of text").range(0, 1e18),
                      field("shards", &SplitEntry::shards, "in order")};
  }
};

struct Index {
  int format = 1;
  uint32_t vocab_size = 0;
  bool loss_mask = false, values = false;
  std::vector<SplitEntry> splits;
  static constexpr auto fields() {
    return std::tuple{field("format", &Index::format, "version of this file").range(1, 1),
                      field("vocab_size", &Index::vocab_size, "tokens are below it").range(1, 4e9),
                      field("loss_mask", &Index::loss_mask, "tokens carry a mask"),
                      field("values", &Index::values, "something is said of each document"),
                      field("splits", &Index::splits, "train, held_out")};
  }
};

const SplitEntry& find_split(const Index& index, std::string_view name, const fs::path& path) {
  std::string known;
  for (const SplitEntry& split : index.splits) {
    if (split.name == name) return split;
    known += (known.empty() ? "" : ", ") + split.name;
  }
  throw Failure(ErrorCode::kNotFound, path.string() + ": has no split \"" + std::string(name) + "\"; it has: " + known);
}

}  // namespace

TokenDataset::TokenDataset(const fs::path& directory, std::string_view split) {
  const fs::path path = directory / kTokenIndexName;
  const Index index = from_json<Index>(read_json(path), path.string());
  vocab_size_ = index.vocab_size;
  has_mask_ = index.loss_mask, has_values_ = index.values;
  open_shards(directory, to_json(find_split(index, split, path)));
}

void TokenDataset::open_shards(const fs::path& directory, const Json& json) {
  for (const ShardEntry& entry : from_json<SplitEntry>(json, "").shards) {
    const fs::path path = directory / fs::path(entry.path).filename();
    ShardReader shard = ShardReader::open(path).value();
    if (shard.num_documents() != entry.documents || shard.num_tokens() != entry.tokens ||
        shard.vocab_size() != vocab_size_ || shard.has_mask() != has_mask_ || shard.has_values() != has_values_)
      throw Failure(ErrorCode::kDataLoss, path.string() + ": is not the shard that index.json describes");
    first_document_.push_back(num_documents_);
    first_token_.push_back(num_tokens_);
    num_documents_ += shard.num_documents();
    num_tokens_ += shard.num_tokens();
    source_bytes_ += shard.source_bytes();
    shards_.push_back(std::move(shard));
  }
}

size_t TokenDataset::shard_of(int64_t value, const std::vector<int64_t>& firsts) const {
  return static_cast<size_t>(std::upper_bound(firsts.begin(), firsts.end(), value) - firsts.begin()) - 1;
}

TokenDocument TokenDataset::document(int64_t i) const {
  CHECK(i >= 0 && i < num_documents_);
  const size_t shard = shard_of(i, first_document_);
  return shards_[shard].document(i - first_document_[shard]);
}

int64_t TokenDataset::begin_of(int64_t i) const {
  CHECK(i >= 0 && i <= num_documents_);
  if (i == num_documents_) return num_tokens_;
  const size_t shard = shard_of(i, first_document_);
  return first_token_[shard] + shards_[shard].begin_of(i - first_document_[shard]);
}

TokenDatasetWriter::TokenDatasetWriter(fs::path directory, uint32_t vocab_size, bool with_mask,
                                       int64_t tokens_per_shard, bool with_values)
    : directory_(std::move(directory)),
      writer_(vocab_size, with_mask, with_values),
      tokens_per_shard_(tokens_per_shard),
      index_(std::make_unique<Json>(
          Json{{"format", 1}, {"vocab_size", vocab_size}, {"loss_mask", with_mask}, {"splits", Json::array()}})) {
  if (with_values) (*index_)["values"] = true;  // indexes of before have no such key
}

TokenDatasetWriter::~TokenDatasetWriter() = default;

void TokenDatasetWriter::begin_split(std::string_view name) {
  flush();
  (*index_)["splits"].push_back(to_json(SplitEntry{std::string(name), 0, 0, 0, {}}));
}

void TokenDatasetWriter::add(std::span<const int32_t> tokens, uint64_t source_bytes, std::span<const uint8_t> mask,
                             double value) {
  CHECK(!(*index_)["splits"].empty());
  writer_.add(tokens, source_bytes, mask, value);
  ++num_documents_;
  num_tokens_ += static_cast<int64_t>(tokens.size());
  if (writer_.num_tokens() >= tokens_per_shard_) flush();
}

void TokenDatasetWriter::flush() {
  if (writer_.num_documents() == 0) return;
  Json& split = (*index_)["splits"].back();
  std::string number = std::to_string(split["shards"].size());
  number.insert(0, 5 - std::min<size_t>(5, number.size()), '0');
  const ShardEntry entry{split["name"].get<std::string>() + "-" + number + ".tokens", writer_.num_documents(),
                         writer_.num_tokens()};
  split["documents"] = split["documents"].get<int64_t>() + entry.documents;
  split["tokens"] = split["tokens"].get<int64_t>() + entry.tokens;
  split["source_bytes"] = split["source_bytes"].get<uint64_t>() + writer_.source_bytes();
  split["shards"].push_back(to_json(entry));
  writer_.write(directory_ / entry.path);
}

void TokenDatasetWriter::finish() {
  flush();
  write_json(directory_ / kTokenIndexName, *index_);
}

}  // namespace maru::formats
