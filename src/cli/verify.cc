// maru verify: walk an artefact's manifests down to the raw files and check every hash; check who signed it, or an
// answer's receipt; or go over the audit of this home.
#include "ledger/verify.h"

#include <fmt/format.h>

#include "api/replay.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/signatures.h"
#include "cli/tenants.h"
#include "cli/verbs.h"
#include "ledger/manifest_signature.h"
#include "ledger/provenance.h"
#include "platform/audit.h"

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

struct Options {
  std::string name, expect;
  std::vector<std::string> keys;
  bool from_scratch = false, require_signature = false, audit = false;
};

/// A file that is no manifest holds a receipt. Artefacts go by their names first.
bool is_receipt_file(const Session& session, const std::string& name) {
  for (const Kind kind : catalogue::kKinds)
    if (fs::exists(session.catalogue().folder(kind) / name / ledger::kManifestName)) return false;
  const fs::path path = from_shell(name);
  return fs::is_regular_file(path) && path.filename() != ledger::kManifestName;
}

/// "choice 0: …" of each choice whose text is in the answer that the receipt came with.
std::string check_texts(const SignedReceipt& found, const std::string& file) {
  const std::vector<std::string> texts = api::texts_of(found.answer);
  if (texts.empty()) return "not checked  the text: the file holds no whole answer";
  if (texts.size() != found.receipt.choices.size())
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: has {} choices, its receipt {}", file, texts.size(), found.receipt.choices.size()));
  for (size_t i = 0; i < texts.size(); ++i)
    if (sha256_hex(texts[i]) != found.receipt.choices[i].text_sha256)
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("{}: the text of choice {} is not the receipt's: its SHA-256 is "
                                "{}, expected {}",
                                file, i, sha256_hex(texts[i]), found.receipt.choices[i].text_sha256));
  return fmt::format("text         of {} choices is the receipt's", texts.size());
}

void verify_receipt(const Session& session, const Options& o) {
  if (o.from_scratch || !o.expect.empty())
    throw Failure(ErrorCode::kInvalidArgument, "verify: --from-scratch and --expect are for artefacts, not receipts");
  const SignedReceipt found = read_signed_receipt(from_shell(o.name), trusted_keys(session, o.keys));
  const std::string texts = check_texts(found, o.name);
  session.answer({{"ok", true}, {"receipt", maru::to_json(found.receipt)}, {"signature", json_of(found.check)}},
                 text_of(found) + "\n" + texts);
}

void require(const ledger::SignatureCheck& check, const Options& o) {
  using ledger::SignatureState;
  if (check.state == SignatureState::kBroken) throw Failure(ErrorCode::kDataLoss, o.name + ": " + check.message);
  if (o.require_signature && check.state != SignatureState::kTrusted)
    throw Failure(ErrorCode::kNotFound, o.name + ": " + check.message + "; --signed wants a trusted signature");
}

void verify_artefact(Session& session, const Options& o, const std::string& expected) {
  const fs::path artefact = session.catalogue().find_any(o.name);
  const Watch watch = session.workplace().watch;
  Progress progress(watch, "verify", 0, "bytes");
  const ledger::VerifyReport report = ledger::verify(artefact, [&](uint64_t bytes) {
    watch.throw_if_cancelled();
    progress.update(bytes);
  });
  progress.finish();
  const ledger::SignatureCheck check = ledger::check_manifest_signature(artefact, trusted_keys(session, o.keys));
  Json json = to_json(report);
  json["signature"] = json_of(check);
  std::string text = report.text() + "signature    " + check.message + "\n";
  ledger::ScratchReport scratch;
  if (o.from_scratch) {
    scratch = ledger::prove_from_scratch(artefact);
    json["from_scratch"] = to_json(scratch);
    text += scratch.text();
  }
  session.answer(json, text);
  if (!expected.empty() && report.manifest_sha256 != expected)
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: SHA-256 of its manifest is {}, expected {}", o.name,
                                                    report.manifest_sha256, expected));
  if (!report.ok()) throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {}", o.name, report.problems.front().message));
  require(check, o);
  if (!scratch.ok()) throw Failure(ErrorCode::kDataLoss, o.name + ": " + reason_of(scratch));
}

/// The chain of what was done in this home; `expected`: the hash of an entry that somebody noted.
void verify_audit(const Session& session, const Options& o, const std::string& expected) {
  if (!o.name.empty() || o.from_scratch)
    throw Failure(ErrorCode::kInvalidArgument, "verify: --audit is about this home, not about an artefact");
  const auto home = home_database(session);
  if (home->if_there() == nullptr)
    throw Failure(ErrorCode::kNotFound, "verify: this home has no database, so there is no audit");
  const std::vector<Ed25519PublicKey> trusted = trusted_keys(session, o.keys);
  const platform::AuditReport report =
      home->read([&](platform::Connection& c) { return platform::verify_audit(c, trusted, expected); });
  std::string text = fmt::format("audit        {} entries, the last with the SHA-256 {}\nsignature    {}",
                                 report.entries, report.head.empty() ? "-" : report.head, report.signature.message);
  for (const std::string& problem : report.problems) text += "\nproblem      " + problem;
  session.answer({{"ok", report.problems.empty()},
                  {"entries", report.entries},
                  {"head", report.head},
                  {"problems", report.problems},
                  {"signature", json_of(report.signature)}},
                 text);
  if (!report.problems.empty()) throw Failure(ErrorCode::kDataLoss, report.problems.front());
  if (!expected.empty() && !report.has_expected)
    throw Failure(ErrorCode::kDataLoss,
                  "audit: no entry has the SHA-256 " + expected + ": the chain is another one, or was cut");
  if (report.signature.state == ledger::SignatureState::kUnknownKey)
    throw Failure(ErrorCode::kNotFound, "audit: the head is " + report.signature.message);
  if (o.require_signature && report.signature.state != ledger::SignatureState::kTrusted)
    throw Failure(ErrorCode::kNotFound,
                  "audit: the head is " + report.signature.message + "; --signed wants a trusted signature");
}

}  // namespace

void add_verify(CLI::App& app, Session& session) {
  CLI::App* verb =
      app.add_subcommand("verify", "prove an artefact's chain down to the raw files, or check a receipt, or the audit");
  auto o = std::make_shared<Options>();
  verb->add_option("artefact", o->name,
                   "a model, adapter, tokenizer or dataset by name, any artefact by path, or a file with a receipt");
  verb->add_flag(
      "--audit", o->audit,
      "instead: the chain of what was done in this home; with --expect, that it holds the entry of that hash");
  verb->add_flag("--from-scratch", o->from_scratch,
                 "also prove that no tensor descends from foreign weights; names those that do");
  verb->add_option(
      "--expect", o->expect,
      "the SHA-256 of its manifest.json as you noted it: whoever rewrites files may rewrite manifests too");
  verb->add_flag("--signed", o->require_signature, "fail unless a trusted key signed it");
  add_key_option(verb, o->keys);
  verb->callback([&session, o, verb] {
    const std::string expected = verb->count("--expect") == 0 ? "" : sha256_of(o->expect);
    if (o->audit) return verify_audit(session, *o, expected);
    if (o->name.empty()) throw Failure(ErrorCode::kInvalidArgument, "verify: give an artefact, or --audit");
    if (is_receipt_file(session, o->name)) return verify_receipt(session, *o);
    verify_artefact(session, *o, expected);
  });
}

}  // namespace maru::cli
