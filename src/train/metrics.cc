#include "train/metrics.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/byte_source.h"

namespace maru::train {
namespace {

double rounded(double x, double digits) { return std::round(x * digits) / digits; }

// A figure that is no number could not be read again.
void add_figures(Json& row, std::string_view prefix, const Figures& figures) {
  for (const auto& [name, value] : figures)
    if (std::isfinite(value)) row[std::string(prefix) + name] = value;
}

}  // namespace

std::string words_of(const Figures& figures) {
  std::string words;
  for (const auto& [name, value] : figures) words += fmt::format("  {} {:.3f}", name, value);
  return words;
}

std::optional<Json> parse_metrics_row(std::string_view line) {
  Result<Json> row = parse_json(line, "");
  if (!row.ok() || !row.value().is_object() || !row.value().contains("step")) return std::nullopt;
  for (const auto& item : row.value().items())
    if (!item.value().is_number() || (item.key() == "step" && !item.value().is_number_integer())) return std::nullopt;
  return std::move(row).value();
}

std::string MetricsWriter::kept_rows(int64_t last_step, const std::function<void(const std::string&)>& warn) {
  std::string kept;
  int64_t step = 0, damaged = 0, first_damaged = 0;
  if (fs::exists(path_)) {
    LineReader lines(path_);
    while (const auto line = lines.next()) {
      const std::optional<Json> row = parse_metrics_row(*line);
      if (!row && damaged++ == 0) first_damaged = lines.line_number();
      if (!row || (*row)["step"] > last_step) continue;
      kept += std::string(*line) + "\n";
      step = (*row)["step"].get<int64_t>();
      seconds_before_ = row->value("seconds", seconds_before_);
      if (step < last_step) continue;
      if (row->contains("loss")) loss_ = (*row)["loss"].get<double>();
      for (const auto& item : row->items())
        if (item.key().starts_with(kValidationPrefix))
          validation_[item.key().substr(kValidationPrefix.size())] = item.value().get<double>();
    }
  }
  if (damaged > 0)
    warn(fmt::format("{}: {} of its lines cannot be read and are left out, the first is line {}", path_.string(),
                     damaged, first_damaged));
  if (step < last_step)
    warn(fmt::format("{}: the rows of steps {} to {} are missing", path_.string(), step + 1, last_step));
  return kept;
}

MetricsWriter::MetricsWriter(const fs::path& file, int64_t last_step,
                             const std::function<void(const std::string&)>& warn)
    : path_(file) {
  write_file(file, kept_rows(last_step, warn));
  file_.reset(std::fopen(file.c_str(), "a"));
  if (!file_) throw Failure(ErrorCode::kInternal, file.string() + ": cannot open: " + std::strerror(errno));
}

void MetricsWriter::append(const std::string& line) {
  if (std::fputs((line + "\n").c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
    throw Failure(ErrorCode::kExhausted, path_.string() + ": cannot write: " + std::strerror(errno));
}

void MetricsWriter::write(const TrainingRow& row) {
  TrainingRow shown = row;
  shown.tokens_per_second = rounded(row.tokens_per_second, 10);
  shown.mfu = rounded(row.mfu, 1e4);
  shown.seconds = rounded(row.seconds, 1e3);
  Json json = to_json(shown);
  add_figures(json, "", row.figures);
  append(json.dump());
}

void MetricsWriter::write(const ValidationRow& row) {
  Json json = to_json(row);
  add_figures(json, kValidationPrefix, row.figures);
  append(json.dump());
}

}  // namespace maru::train
