// maru verify: walk an artefact's manifests down to the raw files and check every hash.
#include "ledger/verify.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/progress.h"
#include "cli/verbs.h"
#include "ledger/provenance.h"

namespace maru::cli {
namespace {

Json to_json(const ledger::VerifyReport& report) {
  Json problems = Json::array();
  for (const ledger::Finding& f : report.problems)
    problems.push_back({{"file", f.file.string()}, {"message", f.message}});
  Json unlisted = Json::array();
  for (const fs::path& path : report.unlisted) unlisted.push_back(path.string());
  return {{"ok", report.ok()},
          {"artefacts", report.artefacts},
          {"files", report.files},
          {"bytes", report.bytes},
          {"manifest_sha256", report.manifest_sha256},
          {"problems", problems},
          {"unlisted", unlisted}};
}

Json to_json(const ledger::ScratchReport& report) {
  Json origins = Json::array();
  for (const ledger::ForeignOrigin& o : report.origins)
    origins.push_back({{"name", o.name}, {"source", o.source}, {"licence", o.licence}, {"tensors", o.tensors.size()}});
  return {{"ok", report.ok()}, {"origins", origins}, {"tensors", report.tensors}, {"unproven", report.unproven}};
}

std::string reason_of(const ledger::ScratchReport& report) {
  if (report.origins.empty()) return "cannot be shown to be from scratch: " + report.unproven.front();
  return fmt::format("{} tensors descend from foreign weights ({} from {})", report.tensors.size(),
                     report.origins.front().name, report.origins.front().source);
}

/// Lower case. Throws kInvalidArgument for what is no SHA-256.
std::string sha256_of(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw Failure(ErrorCode::kInvalidArgument, "--expect: expected the 64 hexadecimal digits of a SHA-256");
  return text;
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("verify", "prove an artefact's chain down to the raw files");
  struct Options {
    std::string name, expect;
    bool from_scratch = false;
  };
  auto o = std::make_shared<Options>();
  verb->add_option("artefact", o->name, "a model, adapter, tokenizer or dataset by name, or any artefact by path")
      ->required();
  verb->add_flag("--from-scratch", o->from_scratch,
                 "also prove that no tensor descends from foreign weights; names those that do");
  verb->add_option(
      "--expect", o->expect,
      "the SHA-256 of its manifest.json as you noted it: whoever rewrites files may rewrite manifests too");
  verb->callback([&session, o, verb] {
    const std::string expected = verb->count("--expect") == 0 ? "" : sha256_of(o->expect);
    const fs::path artefact = session.catalogue().find_any(o->name);
    const Watch watch = session.workplace().watch;
    Progress progress(watch, "verify", 0, "bytes");
    const ledger::VerifyReport report = ledger::verify(artefact, [&](uint64_t bytes) {
      watch.throw_if_cancelled();
      progress.update(bytes);
    });
    progress.finish();
    Json json = to_json(report);
    std::string text = report.text();
    ledger::ScratchReport scratch;
    if (o->from_scratch) {
      scratch = ledger::prove_from_scratch(artefact);
      json["from_scratch"] = to_json(scratch);
      text += scratch.text();
    }
    session.answer(json, text);
    if (!expected.empty() && report.manifest_sha256 != expected)
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: SHA-256 of its manifest is {}, expected {}", o->name,
                                                      report.manifest_sha256, expected));
    if (!report.ok())
      throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {}", o->name, report.problems.front().message));
    if (!scratch.ok()) throw Failure(ErrorCode::kDataLoss, o->name + ": " + reason_of(scratch));
  });
}

}  // namespace maru::cli
