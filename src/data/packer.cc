#include "data/packer.h"

#include <optional>

namespace maru::data {
namespace {

constexpr size_t kBatchLines = 1024;
constexpr size_t kBatchBytes = 16 << 20;

std::vector<Line> next_batch(LineReader& lines, const fs::path& path, const CopiesOfLine& copies_of) {
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

}  // namespace

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

Packer::Packer(const text::Tokenizer& tokenizer, formats::TokenDatasetWriter& writer, EncodeLine encode,
               ThreadPool& pool, const Watch& watch)
    : writer_(writer), encode_(std::move(encode)), pool_(pool), watch_(watch) {
  for (int i = 0; i < pool.size(); ++i) encoders_.emplace_back(tokenizer);
}

void Packer::begin_lines(const fs::path& path) {
  finish_lines();
  if (!path.empty()) lines_ = std::make_unique<AtomicFile>(path);
}

void Packer::finish_lines() {
  if (lines_) lines_->commit();
  lines_.reset();
}

void Packer::add_file(const fs::path& path, const CopiesOfLine& copies_of, Progress& progress) {
  LineReader lines(path);
  for (auto batch = next_batch(lines, path, copies_of); !batch.empty(); batch = next_batch(lines, path, copies_of)) {
    watch_.throw_if_cancelled();
    add_batch(batch);
    progress.add(batch.size());
  }
}

// Errors are kept until all lines are done, so that the first line in order is the one that is named.
void Packer::add_batch(const std::vector<Line>& batch) {
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

}  // namespace maru::data
