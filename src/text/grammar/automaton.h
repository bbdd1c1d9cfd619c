// Finite automata over ranges of symbols, which are code points or bytes: how the regular parts of a grammar are put
// together before they become tables of bytes (byte_dfa.h). What grows beyond its bounds gives none.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/grammar/limits.h"

namespace maru::text::grammar {

/// With steps that take no symbol; some of them only at the start of the text or at its end.
struct Nfa {
  enum class When : uint8_t { kAlways, kAtStart, kAtEnd };
  struct Edge {
    uint32_t low, high, to;
  };
  struct Free {
    uint32_t to;
    When when;
  };
  struct State {
    std::vector<Edge> edges;
    std::vector<Free> free;
  };
  uint32_t add() {
    states.emplace_back();
    return static_cast<uint32_t>(states.size() - 1);
  }
  void link(uint32_t from, uint32_t to, When when = When::kAlways) { states[from].free.push_back({to, when}); }
  void link(uint32_t from, uint32_t low, uint32_t high, uint32_t to) { states[from].edges.push_back({low, high, to}); }
  std::vector<State> states;
  uint32_t start = 0, final = 0;
};

/// Starts in state 0. Edges of a state are sorted and disjoint; every state can reach an accepting one. No states: no
/// text is accepted.
struct Dfa {
  struct Edge {
    uint32_t low, high, to;
  };
  struct State {
    std::vector<Edge> edges;
    bool accepts = false;
  };
  bool empty() const { return states.empty(); }
  std::vector<State> states;
};

/// How much may still be spent on automata; shared by all of one grammar.
class Work {
 public:
  /// False once all is spent.
  bool spend(size_t amount) {
    left_ -= amount < left_ ? amount : left_;
    return left_ > 0;
  }

 private:
  size_t left_ = kMaxTotalWork;
};

/// The subset construction. None if that takes more than `max_states`, or too much work.
std::optional<Dfa> determinised(const Nfa& nfa, Work& work, size_t max_states = kMaxDfaStates);
/// What both accept; with `minus`, what `a` accepts and `b` does not.
std::optional<Dfa> product(const Dfa& a, const Dfa& b, bool minus, Work& work);
/// What `a` accepts of at least `min` and at most `max` symbols; beyond `kMaxDfaStates` none.
std::optional<Dfa> with_length(const Dfa& a, uint64_t min, uint64_t max, Work& work);
/// The given texts of symbols, and no other.
Dfa dfa_of(const std::vector<std::vector<uint32_t>>& texts);
bool accepts(const Dfa& dfa, const std::vector<uint32_t>& text);

}  // namespace maru::text::grammar
