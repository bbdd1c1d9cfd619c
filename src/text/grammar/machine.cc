#include "text/grammar/machine.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "text/grammar/byte_dfa.h"
#include "text/grammar/limits.h"

namespace maru::text::grammar {
namespace {

constexpr size_t kMaxItems = 20'000, kMaxPassed = 100'000;  // of one step
constexpr uint32_t kNoState = UINT32_MAX;

uint64_t scattered(uint64_t x) {
  x *= 0x9E3779B97F4A7C15;
  return x ^ x >> 29;
}

[[noreturn]] void too_ambiguous() { throw Failure(ErrorCode::kExhausted, "the grammar is too ambiguous to follow"); }

}  // namespace

Places Machine::start() {
  places_.clear();
  frames_.assign(1, 0);
  returns_.assign(1, {});
  begin_step();
  const Grammar::Rule& root = grammar_->rule(grammar_->root());
  open_.push_back({root.start, 0, 0});
  run();
  may_end_ = may_end_ || root.nullable;
  return end_step(0);
}

Places Machine::advance(const Places& from, uint8_t byte) {
  begin_step();
  const size_t begin = places_.size();
  for (size_t i = from.begin; i < from.end; ++i) {
    Place place = places_[i];
    const ByteDfa& dfa = grammar_->dfa(place.dfa);
    const uint32_t before = place.state;
    place.state = dfa.next(before, byte);
    if (place.state == ByteDfa::kDead) continue;
    if (dfa.counting() == before && before != 0) {
      const Grammar::Node& node = grammar_->node(place.node);
      const bool closes = dfa.accepts(place.state);
      if (closes ? place.units < node.min_units : place.units >= node.max_units) continue;
      // Where there is no most, only what is still missing counts.
      if (!closes && (node.max_units != kUnbounded || place.units < node.min_units)) ++place.units;
    }
    if (dfa.goes_on(place.state)) add_place(place);
    if (dfa.accepts(place.state)) pass(place);
  }
  run();
  return end_step(begin);
}

Places Machine::leave(const Place& place) {
  begin_step();
  const size_t begin = places_.size();
  pass(place);
  run();
  return end_step(begin);
}

Places Machine::at_specials(const Places& places) {
  const size_t begin = places_.size();
  for (size_t i = places.begin; i < places.end; ++i) {
    const Place place = places_[i];
    if (place.state == 0 && grammar_->node(place.node).special) places_.push_back(place);
  }
  return {begin, places_.size(), false};
}

void Machine::rewind(const Mark& mark) {
  places_.resize(mark.places);
  frames_.resize(mark.frames);
  returns_.resize(mark.returns);
}

void Machine::keep_only(Places& kept) {
  places_.erase(places_.begin(), places_.begin() + static_cast<ptrdiff_t>(kept.begin));
  places_.resize(kept.end - kept.begin);
  kept.begin = 0, kept.end = places_.size();
  // Frames that a place can return to, oldest first.
  std::vector<bool> used(frames_.size(), false);
  std::vector<uint32_t> open{0};
  used[0] = true;
  const auto use = [&](uint32_t frame) {
    if (!used[frame]) used[frame] = true, open.push_back(frame);
  };
  for (const Place& place : places_) use(place.frame);
  while (!open.empty()) {
    const uint32_t frame = open.back();
    open.pop_back();
    for (uint32_t r = frames_[frame]; r != 0; r = returns_[r].next) use(returns_[r].frame);
  }
  std::vector<uint32_t> number(frames_.size(), 0);
  uint32_t count = 0;
  for (uint32_t f = 0; f < frames_.size(); ++f)
    if (used[f]) number[f] = count++;
  std::vector<uint32_t> frames(count, 0);
  std::vector<Return> returns(1);
  for (uint32_t f = 0; f < frames_.size(); ++f) {
    if (!used[f]) continue;
    for (uint32_t r = frames_[f]; r != 0; r = returns_[r].next) {
      const Return& old = returns_[r];
      returns.push_back({old.node, number[old.frame], frames[number[f]], old.times});
      frames[number[f]] = static_cast<uint32_t>(returns.size() - 1);
    }
  }
  for (Place& place : places_) place.frame = number[place.frame];
  frames_ = std::move(frames);
  returns_ = std::move(returns);
}

std::string Machine::key() const {
  constexpr size_t kMaxKey = 4096;
  if (sizeof(Place) * places_.size() + sizeof(Return) * returns_.size() + 4 * frames_.size() > kMaxKey) return "";
  std::string key;
  const auto add = [&key](uint64_t value) {  // short for small numbers, and no number begins another
    for (; value >= 128; value >>= 7) key += static_cast<char>(value | 128);
    key += static_cast<char>(value);
  };
  for (const Place& p : places_)
    for (const uint64_t value : {uint64_t{p.state}, uint64_t{p.node}, uint64_t{p.frame}, p.units, p.times}) add(value);
  add(places_.size());
  for (const uint32_t frame : frames_) add(frame);
  for (const Return& r : returns_)
    for (const uint64_t value : {uint64_t{r.node}, uint64_t{r.frame}, uint64_t{r.next}, r.times}) add(value);
  add(frames_.size());
  return key;
}

void Machine::begin_step() {
  if (++epoch_ == 0) {  // all marks are of long ago
    std::fill(seen_.begin(), seen_.end(), Slot{});
    std::fill(called_.begin(), called_.end(), std::pair<uint32_t, uint32_t>());
    epoch_ = 1;
  }
  if (seen_.empty()) seen_.resize(64);
  called_.resize(grammar_->num_rules());
  num_seen_ = num_passed_ = 0;
  first_frame_ = frames_.size();
  may_end_ = false;
  open_.clear();
}

Places Machine::end_step(size_t begin) { return {begin, places_.size(), may_end_}; }

void Machine::pass(const Place& place) { go_on(place.node, place.frame, place.times); }

// Behind the symbol of a node.
void Machine::go_on(uint32_t at, uint32_t frame, uint64_t times) {
  if (++num_passed_ > kMaxPassed) too_ambiguous();
  const Grammar::Node& node = grammar_->node(at);
  if (!node.repeats) {
    open_.push_back({node.next, frame, 0});
  } else {
    const bool counts = node.max != kUnbounded || times < node.min;
    open_.push_back({at, frame, times + (counts ? 1 : 0)});
  }
}

void Machine::run() {
  while (!open_.empty()) {
    const Item item = open_.back();
    open_.pop_back();
    if (is_new({epoch_, item.node, item.frame, kNoState, item.times, 0})) enter(item);
  }
}

void Machine::enter(const Item& item) {
  const Grammar::Node& node = grammar_->node(item.node);
  switch (node.kind) {
    case Grammar::Kind::kEnd: return finish(item.frame);
    case Grammar::Kind::kSplit:
      for (const uint32_t target : grammar_->targets(node)) open_.push_back({target, item.frame, 0});
      return;
    case Grammar::Kind::kMatch:
    case Grammar::Kind::kCall:
      if (node.repeats && item.times >= node.min) open_.push_back({node.next, item.frame, 0});
      if (!node.repeats || item.times < node.max) enter_symbol(item);
      return;
  }
}

void Machine::enter_symbol(const Item& item) {
  const Grammar::Node& node = grammar_->node(item.node);
  if (node.kind == Grammar::Kind::kMatch)
    add_place({node.symbol, 0, item.node, item.frame, 0, item.times});
  else
    call(item);
}

void Machine::call(const Item& item) {
  const Grammar::Node& node = grammar_->node(item.node);
  const Grammar::Rule& rule = grammar_->rule(node.symbol);
  auto& [epoch, frame] = called_[node.symbol];
  const bool fresh = epoch != epoch_;
  if (fresh) {
    epoch = epoch_, frame = static_cast<uint32_t>(frames_.size());
    frames_.push_back(0);
  }
  const uint32_t callee = frame;
  // A call at the end returns to where its caller would: to all of that, if the caller began before.
  if (!is_last(item.node, item.frame)) {
    add_return(callee, {item.node, item.frame, 0, item.times});
  } else {
    for (uint32_t r = frames_[item.frame]; r != 0; r = returns_[r].next) {
      const Return made = returns_[r];
      if (!is_last(made.node, made.frame))
        add_return(callee, made);
      else
        for (uint32_t q = frames_[made.frame]; q != 0; q = returns_[q].next) add_return(callee, returns_[q]);
    }
  }
  if (rule.nullable && !node.repeats) open_.push_back({node.next, item.frame, 0});
  if (fresh) open_.push_back({rule.start, callee, 0});
}

// A call behind which its rule ends, in a frame of which all returns are known.
bool Machine::is_last(uint32_t node, uint32_t frame) const {
  return !grammar_->node(node).repeats && grammar_->node(node).next == 0 && frame < first_frame_ && frame != 0;
}

void Machine::add_return(uint32_t callee, Return made) {
  for (uint32_t r = frames_[callee]; r != 0; r = returns_[r].next, ++num_passed_)
    if (returns_[r].node == made.node && returns_[r].frame == made.frame && returns_[r].times == made.times) return;
  if (++num_seen_ > kMaxItems) too_ambiguous();
  returns_.push_back({made.node, made.frame, frames_[callee], made.times});
  frames_[callee] = static_cast<uint32_t>(returns_.size() - 1);
}

void Machine::finish(uint32_t frame) {
  if (frame == 0) {
    may_end_ = true;
    return;
  }
  if (frame >= first_frame_) return;  // the empty text: its callers went on at once
  for (uint32_t r = frames_[frame]; r != 0; r = returns_[r].next)
    go_on(returns_[r].node, returns_[r].frame, returns_[r].times);
}

void Machine::add_place(const Place& place) {
  if (is_new({epoch_, place.node, place.frame, place.state, place.times, place.units})) places_.push_back(place);
}

bool Machine::is_new(const Slot& slot) {
  if (2 * (num_seen_ + 1) > seen_.size()) grow();
  const auto same = [&](const Slot& s) {
    return s.node == slot.node && s.frame == slot.frame && s.state == slot.state && s.times == slot.times &&
           s.units == slot.units;
  };
  const uint64_t hash = scattered(
      slot.node ^ scattered(slot.frame ^ scattered(slot.state ^ scattered(slot.times ^ scattered(slot.units)))));
  for (size_t at = hash & (seen_.size() - 1);; at = (at + 1) & (seen_.size() - 1)) {
    if (seen_[at].epoch != epoch_) {
      if (++num_seen_ > kMaxItems) too_ambiguous();
      seen_[at] = slot;
      return true;
    }
    if (same(seen_[at])) return false;
  }
}

void Machine::grow() {
  std::vector<Slot> old(2 * seen_.size());
  old.swap(seen_);
  const size_t count = num_seen_;
  for (const Slot& slot : old)
    if (slot.epoch == epoch_) (void)is_new(slot);
  num_seen_ = count;
}

}  // namespace maru::text::grammar
