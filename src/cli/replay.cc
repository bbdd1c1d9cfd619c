// maru replay: make an answer again, and say whether it is the one of its receipt.
#include "api/replay.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/json.h"
#include "cli/signatures.h"
#include "cli/verbs.h"
#include "ledger/code_version.h"
#include "ledger/content_hash.h"

namespace maru::cli {
namespace {

using api::Difference;

struct Options {
  std::string receipt, request, model, adapter;
  std::vector<std::string> keys;
};

/// Where this home has what a hash stands for: by it, else by `name`.
fs::path find_content(const Session& session, Kind kind, const ledger::ContentHash& hash, const std::string& name) {
  const catalogue::Home home = session.catalogue();
  for (const std::string& candidate : home.names(kind)) {
    const fs::path place = home.folder(kind) / candidate;
    if (hash.of == "manifest" && sha256_file(place / "manifest.json") == hash.sha256) return place;
  }
  if (const fs::path place = home.folder(kind) / name; !name.empty() && fs::exists(place / "manifest.json"))
    return place;
  throw Failure(
      ErrorCode::kNotFound,
      fmt::format("no one of this home's {} is the receipt's ({} SHA-256 {}); give it by --{}",
                  catalogue::folder_of(kind), hash.of, hash.sha256, kind == Kind::kModel ? "model" : "adapter"));
}

api::ReplaySource find_weights(const Session& session, const ledger::Receipt& receipt, const Options& o) {
  api::ReplaySource source;
  source.model = o.model.empty() ? find_content(session, Kind::kModel, receipt.model.weights, receipt.model.name)
                                : session.find(Kind::kModel, o.model);
  if (!o.adapter.empty())
    source.adapter = session.find(Kind::kAdapter, o.adapter);
  else if (receipt.model.adapter)
    source.adapter = find_content(session, Kind::kAdapter, *receipt.model.adapter, "");
  return source;
}

/// What can be seen without the request.
std::vector<Difference> compare_here(const ledger::Receipt& receipt, const api::ReplaySource& source,
                                     const std::string& isa) {
  std::vector<Difference> all;
  const auto compare = [&](const std::string& where, const std::string& expected, const std::string& got) {
    if (expected != got) all.push_back({where, expected, got});
  };
  compare("engine.version", receipt.engine.version, std::string(ledger::code_version()));
  compare("engine.isa", receipt.engine.isa, isa);
  compare("model.weights.sha256", receipt.model.weights.sha256, ledger::content_hash(source.model).sha256);
  const std::string adapter = receipt.model.adapter ? receipt.model.adapter->sha256 : "none";
  compare("model.adapter.sha256", adapter,
          source.adapter.empty() ? "none" : ledger::content_hash(source.adapter).sha256);
  return all;
}

/// The receipt's instruction set, if this machine has it and nobody asked for another.
void choose_isa(Session& session, const ledger::Receipt& receipt) {
  if (session.isa != "auto") return;
  for (const Isa isa : supported_isas())
    if (name_of(isa) == receipt.engine.isa) session.isa = receipt.engine.isa;
}

void answer(const Session& session, const SignedReceipt& found, const api::ReplayReport& report, bool made) {
  Json differences = Json::array();
  std::string text = text_of(found) + "\n";
  for (const Difference& d : report.differences) {
    differences.push_back({{"where", d.where}, {"expected", d.expected}, {"got", d.got}});
    text += fmt::format("DIFFERS      {}: the receipt has {}, here it is {}\n", d.where, d.expected, d.got);
  }
  const bool same = report.differences.empty();
  if (!made)
    text += "not checked  prompt and answer: only hashes of them are in the receipt; give --request FILE";
  else
    text += fmt::format("{}     {} choices, {} tokens{}", same ? "same    " : "replayed", report.choices, report.tokens,
                        same ? ", to the bit" : "");
  session.answer({{"ok", same},
                  {"replayed", made},
                  {"choices", report.choices},
                  {"tokens", report.tokens},
                  {"differences", differences},
                  {"signature", json_of(found.check)}},
                 text);
  if (!same)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: {} differs: the receipt has {}, here it is {}", found.receipt.id,
                              report.differences[0].where, report.differences[0].expected, report.differences[0].got));
}

void run(Session& session, const Options& o) {
  const SignedReceipt found = read_signed_receipt(from_shell(o.receipt), trusted_keys(session, o.keys));
  api::ReplaySource source = find_weights(session, found.receipt, o);
  choose_isa(session, found.receipt);
  Device& device = session.machine().device();
  if (o.request.empty()) {
    const std::string isa(name_of(device.host().isa));
    return answer(session, found, {.differences = compare_here(found.receipt, source, isa)}, false);
  }
  source.request = read_json(from_shell(o.request));
  source.answer = found.answer;
  answer(session, found, api::replay(found.receipt, source, device), true);
}

}  // namespace

void add_replay(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("replay", "make an answer again, and compare it with its receipt");
  auto o = std::make_shared<Options>();
  verb->add_option("receipt", o->receipt, "a receipt, or an answer with one in it (JSON)")->required();
  verb->add_option("--request", o->request, "the body of the request (JSON); without: what can be told without it");
  verb->add_option("--model", o->model, "the model by name, directory or GGUF file; without: found by its hash");
  verb->add_option("--adapter", o->adapter, "the adapter by name or directory; without: found by its hash");
  add_key_option(verb, o->keys);
  verb->callback([&session, o] { run(session, *o); });
}

}  // namespace maru::cli
