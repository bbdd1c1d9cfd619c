// maru report: one self-contained HTML file about a training run.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/byte_source.h"
#include "base/json.h"
#include "base/temporary.h"
#include "cli/verbs.h"
#include "console/assets.h"
#include "ledger/manifest.h"
#include "train/metrics.h"

namespace maru::cli {
namespace {

// The last line of a run that is going on may be half written; others are damaged.
Json metrics_of(const fs::path& run) {
  Json rows = Json::array();
  const fs::path file = run / "metrics.jsonl";
  LineReader lines(file);
  while (const auto line = lines.next()) {
    if (auto row = train::parse_metrics_row(*line))
      rows.push_back(std::move(*row));
    else
      spdlog::warn("{}:{}: cannot be read and is left out", file.string(), lines.line_number());
  }
  return rows;
}

Json json_or_null(const fs::path& file) { return fs::exists(file) ? read_json(file) : Json(); }

// The dataset behind a model: through its tokens.
fs::path dataset_of(const fs::path& model) {
  fs::path at = model;
  for (const char* role : {"tokens", "dataset"}) {
    if (!fs::exists(at / ledger::kManifestName)) return {};
    fs::path next;
    for (const ledger::ManifestInput& input : ledger::read_manifest(at).inputs)
      if (input.role == role) next = ledger::resolved_path(input.path, at).parent_path();
    at = next;
  }
  return at;
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

std::string render_report(const Session& session, const std::string& name) {
  const fs::path run = session.place("runs", name), model = session.place("models", name);
  if (!fs::exists(run / "metrics.jsonl"))
    throw Failure(ErrorCode::kNotFound, run.string() + ": no such run (expected metrics.jsonl)");
  const fs::path dataset = dataset_of(model);
  const Json data{{"run", {{"id", name}}},
                  {"recipe", json_or_null(run / "recipe.json")},
                  {"metrics", metrics_of(run)},
                  {"dataset_report", dataset.empty() ? Json() : json_or_null(dataset / "report.json")},
                  {"evaluation", json_or_null(model / "evaluation" / "evaluation.json")},
                  {"manifest", json_or_null(model / ledger::kManifestName)}};
  return console::report_html(data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void add_report(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand(
      "report", "write one self-contained HTML file about a run: curves, data, evaluation, manifest");
  struct Options {
    std::string run, output;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("run", options->run, "run by name")->required();
  verb->add_option("--out", options->output, "file to write; default: report.html in the run's directory");
  verb->callback([&session, options] {
    const fs::path file =
        options->output.empty() ? session.place("runs", options->run) / "report.html" : fs::path(options->output);
    if (!options->output.empty()) require_report_place(file);
    write_file(file, render_report(session, options->run));
    session.answer({{"file", file.string()}}, "report       " + file.string());
  });
}

}  // namespace maru::cli
