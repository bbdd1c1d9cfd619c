// maru report: one self-contained HTML file about a training run.
#include <fmt/format.h>

#include "base/byte_source.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "console/assets.h"
#include "ledger/manifest.h"

namespace maru::cli {
namespace {

Json metrics_of(const fs::path& run) {
  Json rows = Json::array();
  LineReader lines(run / "metrics.jsonl");
  while (const auto line = lines.next())
    rows.push_back(
        parse_json(*line, fmt::format("{}:{}", (run / "metrics.jsonl").string(), lines.line_number())).value());
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

}  // namespace

std::string render_report(const Session& session, const std::string& name) {
  const fs::path run = session.home / "runs" / name, model = session.home / "models" / name;
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
        options->output.empty() ? session.home / "runs" / options->run / "report.html" : fs::path(options->output);
    write_file(file, render_report(session, options->run));
    session.answer({{"file", file.string()}}, "report       " + file.string());
  });
}

}  // namespace maru::cli
