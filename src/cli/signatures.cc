#include "cli/signatures.h"

#include <fmt/format.h>

#include "base/json.h"

namespace maru::cli {

using ledger::SignatureState;

ledger::SigningKeys signing_keys(const Session& session) {
  return ledger::SigningKeys(session.home / ledger::kSigningFolder);
}

std::vector<Ed25519PublicKey> trusted_keys(const Session& session, const std::vector<std::string>& files) {
  std::vector<Ed25519PublicKey> keys = signing_keys(session).trusted();
  for (const std::string& file : files) keys.push_back(ledger::read_public_key(from_shell(file)));
  return keys;
}

void add_key_option(CLI::App* verb, std::vector<std::string>& files) {
  verb->add_option("--key", files, "a public key (PEM) to trust besides those of this home; may be repeated")
      ->allow_extra_args(false);
}

SignedReceipt read_signed_receipt(const fs::path& file, const std::vector<Ed25519PublicKey>& trusted) {
  ledger::FoundReceipt found = ledger::read_receipt(file);
  const ledger::SignatureCheck check = ledger::check_signature(found.json, trusted);
  if (check.state == SignatureState::kUnknownKey)
    throw Failure(ErrorCode::kNotFound,
                  fmt::format("{}: {}; if you know whose it is, give --key FILE, or trust it with "
                              "`maru sign trust FILE`",
                              file.string(), check.message));
  if (check.state != SignatureState::kTrusted)
    throw Failure(ErrorCode::kDataLoss, file.string() + ": " + check.message);
  return {
      .receipt = ledger::parse_receipt(found.json, file.string()), .answer = std::move(found.answer), .check = check};
}

std::string text_of(const SignedReceipt& signed_receipt) {
  const ledger::Receipt& r = signed_receipt.receipt;
  std::string text = fmt::format("answer       {} at {}, {}\n", r.id, r.time, r.route);
  text += fmt::format("model        {}, {} SHA-256 {}\n", r.model.name, r.model.weights.of, r.model.weights.sha256);
  if (r.model.adapter)
    text += fmt::format("adapter      {} SHA-256 {}\n", r.model.adapter->of, r.model.adapter->sha256);
  text += fmt::format("engine       {}, {}, {}, keys and values {}\n", r.engine.version, r.engine.isa, r.engine.dtype,
                      r.engine.kv_cache_dtype);
  for (size_t i = 0; i < r.choices.size(); ++i)
    text += fmt::format("choice {:<5} {} tokens, {}, SHA-256 {}\n", i, r.choices[i].num_tokens,
                        r.choices[i].finish_reason, r.choices[i].tokens_sha256);
  return text + "signature    " + signed_receipt.check.message;
}

Json json_of(const ledger::SignatureCheck& check) {
  return {{"state", name_of(check.state)}, {"key_id", check.key_id}, {"message", check.message}};
}

}  // namespace maru::cli
