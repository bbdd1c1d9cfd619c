#include "train/metrics.h"

#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/byte_source.h"
#include "base/json.h"

namespace maru::train {
namespace {

// Whole rows up to `last_step`. A last line that a crash cut off is dropped with them.
std::string kept_rows(const fs::path& file, int64_t last_step, double& seconds) {
  std::string kept;
  if (!fs::exists(file)) return kept;
  LineReader lines(file);
  while (const auto line = lines.next()) {
    const Result<Json> row = parse_json(*line, file.string());
    if (!row.ok() || !row.value().is_object() || row.value().value("step", int64_t{0}) > last_step) continue;
    kept += std::string(*line) + "\n";
    seconds = row.value().value("seconds", seconds);
  }
  return kept;
}

double rounded(double x, double digits) { return std::round(x * digits) / digits; }

}  // namespace

MetricsWriter::MetricsWriter(const fs::path& file, int64_t last_step) : path_(file) {
  write_file(file, kept_rows(file, last_step, seconds_before_));
  file_.reset(std::fopen(file.c_str(), "a"));
  if (!file_) throw Failure(ErrorCode::kInternal, file.string() + ": cannot open: " + std::strerror(errno));
}

void MetricsWriter::append(const std::string& line) {
  if (std::fputs((line + "\n").c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
    throw Failure(ErrorCode::kExhausted, path_.string() + ": cannot write: " + std::strerror(errno));
}

void MetricsWriter::write(const TrainingRow& r) {
  append(Json{{"step", r.step},
              {"tokens", r.tokens},
              {"loss", r.loss},
              {"lr", r.lr},
              {"gradient_norm", r.gradient_norm},
              {"tokens_per_second", rounded(r.tokens_per_second, 10)},
              {"mfu", rounded(r.mfu, 1e4)},
              {"seconds", rounded(r.seconds, 1e3)}}
             .dump());
}

void MetricsWriter::write(const ValidationRow& r) {
  append(Json{{"step", r.step},
              {"tokens", r.tokens},
              {"validation_loss", r.loss},
              {"validation_bits_per_byte", r.bits_per_byte}}
             .dump());
}

}  // namespace maru::train
