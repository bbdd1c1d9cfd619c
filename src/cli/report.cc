// maru report: one self-contained HTML file about a training run.
#include "pipeline/report.h"

#include "base/json.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "pipeline/comparison.h"

namespace maru::cli {

void answer_report(const pipeline::Workplace& at, const Session& session, const train::TrainConfig& recipe,
                   int64_t compared) {
  try {
    if (compared > 0) pipeline::compare_answers(at, recipe, compared);
    const fs::path file = pipeline::write_report(at, recipe.name);
    session.answer({{"file", file.string()}}, "report       " + file.string());
  } catch (const Failure& e) {
    if (e.error().code == ErrorCode::kCancelled) throw;
    at.watch.warn(std::string("no report was written, all else is done: ") + e.what());
  }
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
    const fs::path file = pipeline::write_report(session.workplace(), options->run, options->output);
    session.answer({{"file", file.string()}}, "report       " + file.string());
  });
}

}  // namespace maru::cli
