#include "pipeline/report.h"

#include <fmt/format.h>

#include "base/byte_source.h"
#include "base/json.h"
#include "base/temporary.h"
#include "catalogue/lineage.h"
#include "catalogue/run_rows.h"
#include "console/assets.h"
#include "ledger/manifest.h"
#include "train/metrics.h"

namespace maru::pipeline {
namespace {

constexpr int64_t kPoints = 20'000;  // of a longer run: enough for every chart, and a page that still opens

// The last line of a run that is going on may be half written; others are damaged.
Json metrics_of(const fs::path& run, const Watch& watch) {
  const fs::path file = run / catalogue::kRunMetrics;
  catalogue::RowThinner rows(fs::file_size(file), kPoints);
  LineReader lines(file);
  while (const auto line = lines.next()) {
    if (auto row = train::parse_metrics_row(*line))
      rows.add(std::move(*row), line->size() + 1);
    else
      watch.warn(fmt::format("{}:{}: cannot be read and is left out", file.string(), lines.line_number()));
  }
  return rows.take();
}

Json json_or_null(const fs::path& file) { return fs::exists(file) ? read_json(file) : Json(); }

// Of a run with this recipe: a model, or an adapter of one.
Kind kind_of_result(const Json& recipe) {
  const bool adapter = recipe.is_object() && recipe.value("lora", Json()).is_object();
  return adapter ? Kind::kAdapter : Kind::kModel;
}

// A file that the user names may be another's by mistake: only a report takes the place of a report.
void require_report_place(const fs::path& file) {
  refuse_temporary_name(file);
  if (!fs::exists(fs::symlink_status(file))) return;
  std::string begin(4096, '\0');
  if (fs::is_regular_file(file)) begin.resize(InputFile(file).read(begin.data(), begin.size()));
  if (begin.find("Maru report") == std::string::npos)
    throw Failure(ErrorCode::kExists,
                  file.string() + ": exists and is no report of Maru's; give another --out, or move it away");
}

}  // namespace

std::string render_report(const Workplace& at, const std::string& name) {
  const fs::path run = at.home.place(Kind::kRun, name);
  if (!fs::exists(run / catalogue::kRunMetrics))
    throw Failure(ErrorCode::kNotFound, run.string() + ": no such run (expected metrics.jsonl)");
  const Json recipe = json_or_null(run / catalogue::kRunRecipe);
  const fs::path result = at.home.place(kind_of_result(recipe), name), dataset = catalogue::dataset_behind(result);
  const Json data{{"run", {{"id", name}}},
                  {"recipe", recipe},
                  {"metrics", metrics_of(run, at.watch)},
                  {"dataset_report", dataset.empty() ? Json() : json_or_null(dataset / catalogue::kDatasetReport)},
                  {"evaluation", json_or_null(catalogue::evaluation_file(result / catalogue::kEvaluation))},
                  {"comparison", json_or_null(run / catalogue::kRunComparison)},
                  {"manifest", json_or_null(result / ledger::kManifestName)}};
  return console::report_html(data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

fs::path write_report(const Workplace& at, const std::string& run, const fs::path& out) {
  const fs::path file = out.empty() ? at.home.place(Kind::kRun, run) / catalogue::kRunReport : out;
  if (!out.empty()) require_report_place(file);
  write_file(file, render_report(at, run));
  return file;
}

}  // namespace maru::pipeline
