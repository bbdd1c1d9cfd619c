// maru sign: vouch for an artefact, and the keys that do so.
#include <fmt/format.h>

#include "base/json.h"
#include "cli/signatures.h"
#include "cli/verbs.h"
#include "ledger/manifest_signature.h"

namespace maru::cli {
namespace {

Json json_of_key(const ledger::SigningKeys& keys, const Ed25519PublicKey& key) {
  return {{"key_id", ledger::key_id_of(key)}, {"public_key_file", keys.public_file(key).string()}};
}

std::string line_of_key(const ledger::SigningKeys& keys, const Ed25519PublicKey& key) {
  return ledger::key_id_of(key) + "  " + keys.public_file(key).string();
}

void sign(const Session& session, const std::string& name) {
  const fs::path artefact = session.catalogue().find_any(name);
  const Ed25519Key key = signing_keys(session).current_or_new();
  const fs::path file = ledger::sign_manifest(artefact, key, ledger::Timestamp::now());
  const std::string id = ledger::key_id_of(key.public_key());
  session.answer({{"signature", file.string()}, {"key_id", id}},
                 fmt::format("signed       {} with key {}", file.string(), id));
}

void show(const Session& session) {
  const ledger::SigningKeys keys = signing_keys(session);
  const Ed25519PublicKey mine = keys.current_or_new().public_key();
  Json trusted = Json::array();
  std::string text = "signs        " + line_of_key(keys, mine);
  for (const Ed25519PublicKey& key : keys.trusted()) {
    trusted.push_back(json_of_key(keys, key));
    text += "\ntrusted      " + line_of_key(keys, key);
  }
  session.answer({{"signs", json_of_key(keys, mine)}, {"trusted", trusted}}, text);
}

void rotate(const Session& session) {
  const ledger::SigningKeys keys = signing_keys(session);
  const Ed25519PublicKey key = keys.rotate().public_key();
  session.answer(json_of_key(keys, key), "signs        " + line_of_key(keys, key) +
                                             "\nEarlier keys stay trusted; a server that runs signs with its own until "
                                             "it starts again.");
}

void trust(const Session& session, const std::string& file) {
  const ledger::SigningKeys keys = signing_keys(session);
  const Ed25519PublicKey key = keys.trust(from_shell(file));
  session.answer(json_of_key(keys, key), "trusted      " + line_of_key(keys, key));
}

}  // namespace

void add_sign(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("sign", "vouch for an artefact; the key that signs, and those that are trusted");
  auto name = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  verb->add_option("artefact", *name, "a model, adapter, tokenizer or dataset by name, or any artefact by path");
  CLI::App* key = verb->add_subcommand("key", "which key signs, made when there is none, and which are trusted");
  key->callback([&session] { show(session); });
  CLI::App* turn = verb->add_subcommand("rotate", "sign with a new key from now on");
  turn->callback([&session] { rotate(session); });
  CLI::App* other = verb->add_subcommand("trust", "trust somebody else's public key");
  other->add_option("file", *file, "the public key, PEM")->required();
  other->callback([&session, file] { trust(session, *file); });
  verb->callback([&session, verb, name] {
    if (!verb->get_subcommands().empty()) return;
    if (name->empty())
      throw Failure(ErrorCode::kInvalidArgument, "sign: expected an artefact, or one of: key, rotate, trust");
    sign(session, *name);
  });
}

}  // namespace maru::cli
