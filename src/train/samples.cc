#include "train/samples.h"

#include <deque>
#include <string>

#include "base/byte_source.h"

namespace maru::train {
namespace {

bool is_before(std::string_view line, int64_t step) {
  const Result<Json> row = parse_json(line, "");
  return row.ok() && row.value().is_object() && row.value().contains("step") &&
         row.value()["step"].is_number_integer() && row.value()["step"].get<int64_t>() < step;
}

}  // namespace

void add_samples(const fs::path& file, int64_t step, std::vector<Json> samples) {
  if (samples.empty()) return;
  std::deque<std::string> rows;
  if (fs::exists(file)) {
    LineReader lines(file);
    while (const auto line = lines.next())
      if (is_before(*line, step)) rows.emplace_back(*line);
  }
  for (const Json& sample : samples) {
    Json row{{"step", step}};
    row.update(sample);
    rows.push_back(row.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  std::string text;
  for (size_t i = rows.size() - std::min(rows.size(), kMostSamples); i < rows.size(); ++i) text += rows[i] + "\n";
  write_file(file, text);
}

}  // namespace maru::train
