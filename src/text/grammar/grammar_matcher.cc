#include "text/grammar/grammar_matcher.h"

#include <algorithm>

#include "base/error.h"
#include "text/grammar/byte_dfa.h"
#include "text/grammar/limits.h"
#include "text/grammar/mask_cache.h"
#include "text/grammar/token_trie.h"

namespace maru::text {
namespace {

using grammar::Place;
using grammar::Places;
using grammar::StateMask;
constexpr size_t kMaxForcedBytes = 4096;
constexpr size_t kWorthKeeping = 400;       // nodes looked at for a mask: the next time it is known as a whole
constexpr size_t kMaxVisited = 60'000'000;  // nodes of the trie for one mask …
constexpr size_t kPerPlace = 8;             // … where the grammar is asked: so many for each place

void allow(std::span<uint32_t> bits, int32_t token) { bits[static_cast<uint32_t>(token) >> 5] |= 1u << (token & 31); }
void allow(std::span<uint32_t> bits, std::span<const int32_t> tokens) {
  for (const int32_t token : tokens) allow(bits, token);
}
void allow_all(std::span<uint32_t> bits, const StateMask& mask) {
  for (size_t i = 0; i < mask.bits.size(); ++i) bits[i] |= mask.bits[i];
  allow(bits, mask.tokens);
}

// Tokens that stay inside a string and begin at most `units` characters.
void allow_counted(std::span<uint32_t> bits, const StateMask& mask, uint64_t units) {
  if (mask.counts.empty() || units + 1 >= mask.counts.size()) return allow_all(bits, mask);
  const size_t fit = mask.counts[units + 1];
  const std::span<const int32_t> tokens(mask.counted);
  if (fit < tokens.size() / 2 || mask.bits.empty()) return allow(bits, tokens.first(fit));
  // Most fit: all but those that do not. They may be allowed by another place, so not in `bits` itself.
  std::vector<uint32_t> some = mask.bits;
  for (const int32_t token : tokens.subspan(fit)) some[static_cast<uint32_t>(token) >> 5] &= ~(1u << (token & 31));
  for (size_t i = 0; i < some.size(); ++i) bits[i] |= some[i];
}

/// Tokens that go on behind an automaton, as far as the grammar around it takes them.
class RestWalk {
 public:
  RestWalk(grammar::Machine& machine, const Places& behind, std::span<uint32_t> bits, size_t& visited)
      : machine_(machine), behind_(behind), bits_(bits), visited_(visited) {}

  void run(const grammar::FlatTrie& trie) { run(trie, 0, trie.size(), 0); }
  void run(const grammar::FlatTrie& trie, uint32_t begin, uint32_t end, uint16_t depth) {
    levels_.assign(1, {behind_, machine_.mark()});
    const auto bottom = machine_.mark();
    for (uint32_t i = begin; i < end;) {
      const grammar::FlatTrie::Node& node = trie.node(i);
      const size_t level = node.depth - depth - 1u;
      levels_.resize(level + 1);
      machine_.rewind(levels_[level].mark);
      visited_ += kPerPlace * (1 + levels_[level].places.end - levels_[level].places.begin);
      if (visited_ > kMaxVisited) throw Failure(ErrorCode::kExhausted, "the grammar is too ambiguous to follow");
      const Places next = machine_.advance(levels_[level].places, node.byte);
      if (!next.empty() || next.may_end) allow(bits_, trie.tokens_at(i));
      if (next.empty()) {
        i = node.end;
      } else {
        levels_.push_back({next, machine_.mark()});
        ++i;
      }
    }
    machine_.rewind(bottom);
  }

 private:
  struct Level {
    Places places;
    grammar::Machine::Mark mark;
  };
  grammar::Machine& machine_;
  Places behind_;
  std::span<uint32_t> bits_;
  size_t& visited_;
  std::vector<Level> levels_;
};

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar, const TokenTrie& tokens,
                               std::vector<int32_t> end_tokens)
    : grammar_(std::move(grammar)), tokens_(&tokens), end_tokens_(std::move(end_tokens)), machine_(*grammar_) {
  places_ = machine_.start();
}

void GrammarMatcher::fill_mask(std::span<uint32_t> bits) {
  CHECK(bits.size() == tokens_->mask_words());
  std::fill(bits.begin(), bits.end(), 0);
  size_t visited = 0;
  const std::string key = key_of_places();
  const auto known = tokens_->masks().find_whole(key);
  if (known) {
    std::copy(known->begin(), known->end(), bits.begin());
  } else {
    size_t walked = 0;
    for (size_t i = places_.begin; i < places_.end; ++i) {
      mask_place(machine_.place(i), bits, visited, walked);
      if (visited + walked > kMaxVisited)
        throw Failure(ErrorCode::kExhausted, "the grammar is too ambiguous to follow");
    }
    mask_specials(bits);
    if (visited > kWorthKeeping && !key.empty()) tokens_->masks().keep_whole(key, bits);
  }
  if (!may_end()) return;
  for (const int32_t token : end_tokens_)
    if (token >= 0 && token < tokens_->num_ids()) allow(bits, token);
}

// All that a mask depends on, the end aside; empty where it is too much to be met again.
std::string GrammarMatcher::key_of_places() const {
  std::string key = machine_.key();
  if (key.empty() || !grammar_->specials().empty()) return "";  // which are special depends on the end tokens
  return key + std::to_string(grammar_->number());
}

void GrammarMatcher::mask_place(const Place& at, std::span<uint32_t> bits, size_t& visited, size_t& walked) {
  const Place place = at;  // the list of places grows below
  const grammar::ByteDfa& dfa = grammar_->dfa(place.dfa);
  const auto mask = tokens_->masks().find(dfa, place.state);
  walked += mask->visited;
  const Grammar::Node& node = grammar_->node(place.node);
  const bool counted = dfa.counting() != 0;
  const uint64_t room =
      !counted || node.max_units == grammar::kUnbounded ? grammar::kUnbounded : node.max_units - place.units;
  const uint64_t missing = counted && node.min_units > place.units ? node.min_units - place.units : 0;
  if (room == grammar::kUnbounded)
    allow_all(bits, *mask);
  else
    allow_counted(bits, *mask, room);
  const auto before = machine_.mark();
  const Places behind = machine_.leave(place);
  RestWalk walk(machine_, behind, bits, visited);
  const auto take = [&](const StateMask::Exits& exits) {
    allow(bits, exits.ends);
    if (behind.empty()) return;
    walk.run(exits.rest);
    for (const auto& below : exits.below) walk.run(tokens_->trie(), below.begin, below.end, below.depth);
  };
  if (missing == 0 && (room == grammar::kUnbounded || mask->exits.empty() || mask->exits.back().units <= room)) {
    take(mask->all_exits);
  } else {
    for (const StateMask::Exits& exits : mask->exits)
      if (exits.units >= missing && exits.units <= room) take(exits);
  }
  machine_.rewind(before);
}

// Few grammars name any, and few tokens are special.
void GrammarMatcher::mask_specials(std::span<uint32_t> bits) {
  if (grammar_->specials().empty()) return;
  const auto before = machine_.mark();
  const Places begins = machine_.at_specials(places_);
  for (const auto& [token, spelling] : tokens_->specials()) {
    if (begins.empty() || is_end(token)) continue;
    const auto mark = machine_.mark();
    if (takes(begins, spelling)) allow(bits, token);
    machine_.rewind(mark);
  }
  machine_.rewind(before);
}

std::optional<Places> GrammarMatcher::takes(Places places, std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    places = machine_.advance(places, static_cast<uint8_t>(bytes[i]));
    if (places.empty() && (!places.may_end || i + 1 < bytes.size())) return std::nullopt;
  }
  return bytes.empty() ? std::nullopt : std::optional(places);
}

bool GrammarMatcher::is_end(int32_t token) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), token) != end_tokens_.end();
}

bool GrammarMatcher::accept(int32_t token) {
  if (is_end(token)) {
    if (!may_end()) return false;
    places_ = {places_.end, places_.end, true};
    machine_.keep_only(places_);
    return true;
  }
  if (const std::string_view text = tokens_->bytes_of(token); !text.empty()) return accept_text(text);
  const std::string_view special = tokens_->spelling_of_special(token);
  return !special.empty() && go_to(machine_.at_specials(places_), special);
}

bool GrammarMatcher::accept_text(std::string_view bytes) { return bytes.empty() || go_to(places_, bytes); }

bool GrammarMatcher::go_to(const Places& from, std::string_view bytes) {
  const auto before = machine_.mark();
  auto places = takes(from, bytes);
  if (places) {
    places_ = *places;
    machine_.keep_only(places_);
  } else {
    machine_.rewind(before);
  }
  return places.has_value();
}

// -1: there is a choice.
int GrammarMatcher::only_byte(const Place& place) const {
  const grammar::ByteDfa& dfa = grammar_->dfa(place.dfa);
  const bool full =
      dfa.counting() != 0 && dfa.counting() == place.state && place.units >= grammar_->node(place.node).max_units;
  return full ? '"' : dfa.only_byte(place.state);
}

std::string GrammarMatcher::forced() const {
  grammar::Machine machine = machine_;
  Places places = places_;
  std::string text;
  while (!places.empty() && !places.may_end && text.size() < kMaxForcedBytes) {
    int only = -1;
    for (size_t i = places.begin; i < places.end; ++i) {
      const Place& place = machine.place(i);
      const int byte = only_byte(place);
      if (byte < 0 || (only >= 0 && byte != only)) return text;
      only = byte;
    }
    places = machine.advance(places, static_cast<uint8_t>(only));
    text += static_cast<char>(only);
  }
  return text;
}

}  // namespace maru::text
