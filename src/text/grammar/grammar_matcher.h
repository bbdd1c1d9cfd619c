// Follows one answer through a grammar, token by token: which may come next, and what must.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/grammar.h"
#include "text/grammar/machine.h"

namespace maru::text {

class TokenTrie;

/// Copies are cheap and independent: whoever drafts tokens ahead keeps a copy. Not thread-safe; grammar and tokens are
/// shared.
class GrammarMatcher {
 public:
  /// `end_tokens` are allowed where the answer may end. `tokens` must outlive it.
  GrammarMatcher(std::shared_ptr<const Grammar> grammar, const TokenTrie& tokens, std::vector<int32_t> end_tokens);

  /// Sets bit i % 32 of word i / 32 for every token i that may come next, and clears all others.
  ///
  /// Shapes   tokens.mask_words() words
  /// Throws   kExhausted when the grammar allows more at once than any sensible one: the answer cannot go on.
  /// Cost     microseconds; milliseconds when an automaton meets this vocabulary in this state for the first time.
  void fill_mask(std::span<uint32_t> bits);
  /// Takes a token; false: it may not come next, and nothing has changed. An end token makes the answer be over.
  bool accept(int32_t token);
  /// Takes text, as accept() does.
  bool accept_text(std::string_view bytes);
  /// The answer may end here.
  bool may_end() const { return places_.may_end; }
  /// Nothing but the end may follow, or it has come.
  bool is_over() const { return places_.empty(); }
  /// What must come next, as far as that is certain; empty where there is a choice or the answer may end.
  ///
  /// Units    bytes, at most 4,096; they may end inside a character
  std::string forced() const;

 private:
  void mask_place(const grammar::Place& place, std::span<uint32_t> bits, size_t& visited, size_t& walked);
  std::string key_of_places() const;
  void mask_specials(std::span<uint32_t> bits);
  std::optional<grammar::Places> takes(grammar::Places places, std::string_view bytes);
  bool go_to(const grammar::Places& from, std::string_view bytes);
  bool is_end(int32_t token) const;
  int only_byte(const grammar::Place& place) const;

  std::shared_ptr<const Grammar> grammar_;
  const TokenTrie* tokens_;
  std::vector<int32_t> end_tokens_;
  grammar::Machine machine_;
  grammar::Places places_;
};

}  // namespace maru::text
