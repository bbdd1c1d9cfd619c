// maru verify: walk an artefact's manifests down to the raw files and check every hash.
#include "ledger/verify.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

fs::path find_any(const Session& session, const std::string& name) {
  for (const char* kind : {"models", "tokenizers", "datasets"})
    if (fs::exists(session.home / kind / name / "manifest.json")) return session.home / kind / name;
  return session.find("models", name);
}

Json to_json(const ledger::VerifyReport& report) {
  Json problems = Json::array();
  for (const ledger::Finding& f : report.problems)
    problems.push_back({{"file", f.file.string()}, {"message", f.message}});
  Json unlisted = Json::array();
  for (const fs::path& path : report.unlisted) unlisted.push_back(path.string());
  return {{"ok", report.ok()},     {"artefacts", report.artefacts}, {"files", report.files},
          {"bytes", report.bytes}, {"problems", problems},          {"unlisted", unlisted}};
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("verify", "prove an artefact's chain down to the raw files");
  auto name = std::make_shared<std::string>();
  verb->add_option("artefact", *name, "a model, tokenizer or dataset by name, or any artefact by path")->required();
  verb->callback([&session, name] {
    Progress progress("verify", 0, "bytes", session.quiet);
    const ledger::VerifyReport report =
        ledger::verify(find_any(session, *name), [&](uint64_t bytes) { progress.update(bytes); });
    progress.finish();
    session.answer(to_json(report), report.text());
    if (!report.ok())
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {}", *name, report.problems.front().message));
  });
}

}  // namespace maru::cli
