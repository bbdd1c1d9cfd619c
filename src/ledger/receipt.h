// A receipt: where one answer came from, in hashes, signed. It says which model and which code made which tokens of
// which prompt, and with which random numbers, so that they can be made again. docs/receipts.md has the format.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "base/file.h"
#include "ledger/signed_json.h"

namespace maru::ledger {

inline constexpr const char* kReceiptKind = "maru.receipt";

/// What weights are called by.
struct ContentHash {
  std::string sha256, of;
  static constexpr auto fields() {
    return std::tuple{
        field("sha256", &ContentHash::sha256, "of what `of` says"),
        field("of", &ContentHash::of, "manifest.json, the file, or the list of the files with their hashes")
            .one_of("manifest|file|files")};
  }
  bool operator==(const ContentHash&) const = default;
};

struct ReceiptModel {
  std::string name;
  ContentHash weights;
  std::optional<ContentHash> adapter;
  static constexpr auto fields() {
    return std::tuple{field("name", &ReceiptModel::name, "as it was asked for"),
                      field("weights", &ReceiptModel::weights, "the model"),
                      field("adapter", &ReceiptModel::adapter, "what was used beside the weights").unless_empty()};
  }
};

/// All that bits depend on besides weights and request.
struct ReceiptEngine {
  std::string version, isa, dtype, kv_cache_dtype, tool_parser, reasoning_parser;
  static constexpr auto fields() {
    using C = ReceiptEngine;
    return std::tuple{field("version", &C::version, "of the code"),
                      field("isa", &C::isa, "instruction set of the kernels"),
                      field("dtype", &C::dtype, "of weights and activations"),
                      field("kv_cache_dtype", &C::kv_cache_dtype, "of keys and values"),
                      field("tool_parser", &C::tool_parser, "the form in which the model writes calls of tools"),
                      field("reasoning_parser", &C::reasoning_parser, "and its reasoning")};
  }
};

/// Texts and lists of ids stand as the SHA-256 of their canonical JSON; empty where there are none.
struct ReceiptSampling {
  double temperature = 1, top_p = 1, min_p = 0;
  int64_t top_k = 0;
  double presence_penalty = 0, frequency_penalty = 0, repetition_penalty = 1;
  int64_t min_tokens = 0;
  bool ignore_eos = false;
  std::string end_tokens_sha256, stop_sha256, stop_tokens_sha256, logit_bias_sha256;
  std::string allowed_tokens_sha256, bad_words_sha256;
  static constexpr auto fields() {
    using C = ReceiptSampling;
    return std::tuple{field("temperature", &C::temperature, "0: always the likeliest token"),
                      field("top_p", &C::top_p, ""),
                      field("min_p", &C::min_p, ""),
                      field("top_k", &C::top_k, "0: all"),
                      field("presence_penalty", &C::presence_penalty, ""),
                      field("frequency_penalty", &C::frequency_penalty, ""),
                      field("repetition_penalty", &C::repetition_penalty, ""),
                      field("min_tokens", &C::min_tokens, ""),
                      field("ignore_eos", &C::ignore_eos, ""),
                      field("end_tokens_sha256", &C::end_tokens_sha256, "the model's ends of an answer").unless_empty(),
                      field("stop_sha256", &C::stop_sha256, "strings").unless_empty(),
                      field("stop_tokens_sha256", &C::stop_tokens_sha256, "the request's ends").unless_empty(),
                      field("logit_bias_sha256", &C::logit_bias_sha256, "pairs of token and bias").unless_empty(),
                      field("allowed_tokens_sha256", &C::allowed_tokens_sha256, "all there are").unless_empty(),
                      field("bad_words_sha256", &C::bad_words_sha256, "lists of tokens").unless_empty()};
  }
};

struct ReceiptPrompt {
  std::string sha256, seed;
  int64_t num_tokens = 0, max_tokens = 0;
  static constexpr auto fields() {
    using C = ReceiptPrompt;
    return std::tuple{field("sha256", &C::sha256, "of its token ids"), field("num_tokens", &C::num_tokens, ""),
                      field("max_tokens", &C::max_tokens, "of the answer, as the context allowed"),
                      field("seed", &C::seed, "a whole number from 0 to 2^64 - 1")};
  }
};

struct ReceiptChoice {
  int64_t prompt = 0;
  std::string tokens_sha256, text_sha256, finish_reason;
  int64_t num_tokens = 0;
  std::vector<std::string> marks;
  static constexpr auto fields() {
    using C = ReceiptChoice;
    return std::tuple{
        field("prompt", &C::prompt, "which of the prompts it answers, from 0"),
        field("tokens_sha256", &C::tokens_sha256, "of the ids of all tokens that were chosen"),
        field("num_tokens", &C::num_tokens, ""),
        field("marks", &C::marks, "of every 64 tokens and all before them, to tell where answers part").unless_empty(),
        field("text_sha256", &C::text_sha256, "of the text for the reader, UTF-8"),
        field("finish_reason", &C::finish_reason, "why it ended").one_of("stop|length|tool_calls")};
  }
};

struct Receipt {
  std::string kind = kReceiptKind;
  int format = 1;
  std::string id, route, time;
  ReceiptModel model;
  ReceiptEngine engine;
  ReceiptSampling sampling;
  std::string constraint_sha256, tools_sha256;
  std::vector<ReceiptPrompt> prompts;
  std::vector<ReceiptChoice> choices;
  std::string key_id, public_key, signature;
  static constexpr auto fields() {
    using C = Receipt;
    return std::tuple{
        field("kind", &C::kind, "what this is").one_of(kReceiptKind),
        field("format", &C::format, "version of this format").range(1, 1),
        field("id", &C::id, "of the answer"),
        field("route", &C::route, "where it was asked for"),
        field("time", &C::time, "when, on the server's clock"),
        field("model", &C::model, "who answered"),
        field("engine", &C::engine, "what computed it"),
        field("sampling", &C::sampling, "how tokens were chosen"),
        field("constraint_sha256", &C::constraint_sha256, "the form that the answer was held to").unless_empty(),
        field("tools_sha256", &C::tools_sha256, "the tools that the model was shown").unless_empty(),
        field("prompts", &C::prompts, "what was answered"),
        field("choices", &C::choices, "the answers"),
        field("key_id", &C::key_id, "who signed").unless_empty(),
        field("public_key", &C::public_key, "Ed25519, 32 bytes").unless_empty(),
        field("signature", &C::signature, "Ed25519, 64 bytes").unless_empty()};
  }
};

/// A receipt as it was found: on its own, or in the answer that it was given with.
struct FoundReceipt {
  Json json;    // the receipt to the letter, for its signature
  Json answer;  // null: it stood alone
};
/// Throws   kInvalidArgument, naming `name`, for what is neither; kExhausted for a file beyond 64 MiB.
FoundReceipt read_receipt(const fs::path& path);
FoundReceipt find_receipt(Json document, const std::string& name);

/// The fields of a receipt whose signature was looked at. Throws kInvalidArgument naming the field.
Receipt parse_receipt(const Json& json, std::string_view name);

/// SHA-256 of the canonical form.
std::string sha256_of_json(const Json& json);

}  // namespace maru::ledger
