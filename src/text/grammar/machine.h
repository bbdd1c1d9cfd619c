// Where in a grammar an answer may be: all places at once, each with what called it. The calls form a graph whose parts
// are shared, so ambiguity costs what the grammar's size costs, not what the number of readings would; calls at the end
// of a rule, and rules that begin with themselves, keep it small.
//
// Source   Scott & Johnstone, "GLL parsing", 2010, for the graph of calls.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/grammar/grammar.h"

namespace maru::text::grammar {

/// Inside an automaton.
struct Place {
  uint32_t dfa, state;
  uint32_t node;   // of the grammar: what the automaton is there for
  uint32_t frame;  // the call that the node's rule runs in
  uint64_t units;  // characters begun, where they are counted
  uint64_t times;  // that the node was passed, where it repeats
};

/// The places after some text, in the list of a Machine.
struct Places {
  size_t begin = 0, end = 0;
  bool may_end = false;
  bool empty() const { return begin == end; }
};

/// Lists of places stacked on each other, as a walk over tokens needs them. Copyable. Not thread-safe.
class Machine {
 public:
  explicit Machine(const Grammar& grammar) : grammar_(&grammar) {}
  /// Before any text.
  Places start();
  /// Behind one more byte. Throws kExhausted when there is more at once than any sensible grammar asks for.
  Places advance(const Places& from, uint8_t byte);
  /// Behind the automaton of a place.
  Places leave(const Place& place);

  /// Those where a text begins that a special token may spell.
  Places at_specials(const Places& places);

  const Place& place(size_t i) const { return places_[i]; }
  /// Forgets what was made since.
  struct Mark {
    size_t places, frames, returns;
  };
  Mark mark() const { return {places_.size(), frames_.size(), returns_.size()}; }
  void rewind(const Mark& mark);
  /// Forgets everything but these places.
  void keep_only(Places& places);
  /// All that can follow depends on, after start() or keep_only(); empty: it is long.
  std::string key() const;

 private:
  struct Return {
    uint32_t node, frame, next;  // next: another of the same frame; 0: none
    uint64_t times;
  };
  struct Item {
    uint32_t node, frame;
    uint64_t times;
  };
  struct Slot {
    uint32_t epoch = 0, node = 0, frame = 0, state = 0;
    uint64_t times = 0, units = 0;
  };
  void begin_step();
  Places end_step(size_t begin);
  void pass(const Place& place);
  void go_on(uint32_t node, uint32_t frame, uint64_t times);
  void run();
  void enter(const Item& item);
  void enter_symbol(const Item& item);
  void call(const Item& item);
  bool is_last(uint32_t node, uint32_t frame) const;
  void add_return(uint32_t callee, Return made);
  void finish(uint32_t frame);
  void add_place(const Place& place);
  bool is_new(const Slot& slot);
  void grow();

  const Grammar* grammar_;
  std::vector<Place> places_;
  std::vector<uint32_t> frames_;  // first return of each; 0: none. Frame 0 is the whole answer
  std::vector<Return> returns_;   // 0 is none
  // Of the step that is being made:
  std::vector<Item> open_;
  std::vector<Slot> seen_;
  std::vector<std::pair<uint32_t, uint32_t>> called_;  // by rule: epoch, and the frame of it that begins here
  size_t num_seen_ = 0, num_passed_ = 0, first_frame_ = 0;
  uint32_t epoch_ = 0;
  bool may_end_ = false;
};

}  // namespace maru::text::grammar
