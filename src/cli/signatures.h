// What verbs share that judge or make signatures.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/session.h"
#include "ledger/receipt.h"
#include "ledger/signing_keys.h"

namespace maru::cli {

/// Of this home.
ledger::SigningKeys signing_keys(const Session& session);
/// Those that this home trusts, and those in `files`.
std::vector<Ed25519PublicKey> trusted_keys(const Session& session, const std::vector<std::string>& files);
void add_key_option(CLI::App* verb, std::vector<std::string>& files);

/// A receipt that somebody trusted signed, and what was said about its signature.
struct SignedReceipt {
  ledger::Receipt receipt;
  Json answer;  // that it was found in, or null
  ledger::SignatureCheck check;
};
/// Throws   kDataLoss for a signature that is broken or missing, kNotFound for one by an unknown key, naming `file`.
SignedReceipt read_signed_receipt(const fs::path& file, const std::vector<Ed25519PublicKey>& trusted);

/// Several lines: who answered, when, where, how much.
std::string text_of(const SignedReceipt& receipt);
Json json_of(const ledger::SignatureCheck& check);

}  // namespace maru::cli
