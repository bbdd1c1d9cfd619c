#include "scheduler/simulation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"

namespace maru::infer {
namespace {

constexpr uint64_t kBeginnings = 3;
const char* const kTenants[] = {"large", "large", "large", "large", "small", "other"};  // the first wants most

double weight_of(const std::string& tenant) { return tenant == "other" ? 2 : 1; }

void demand(bool holds, const std::string& what) {
  if (!holds) throw Failure(ErrorCode::kInternal, what);
}

SchedulerLimits draw_limits(Random& random) {
  return {.num_pages = 4 + static_cast<int64_t>(random.below(20)),
          .page_tokens = 1 + static_cast<int64_t>(random.below(8)),
          .step_tokens = 7 + static_cast<int64_t>(random.below(30)),
          .max_running = 1 + static_cast<int64_t>(random.below(6)),
          .prefix_cache = random.below(8) > 0};
}

/// Token `position` of one of a few beginnings that many sequences share.
int32_t shared_token(uint64_t beginning, int64_t position) {
  return static_cast<int32_t>(mix64(beginning * 1000 + static_cast<uint64_t>(position)) % 1000);
}

}  // namespace

SchedulerSimulation::SchedulerSimulation(uint64_t seed)
    : random_(seed),
      limits_(draw_limits(random_)),
      scheduler_(limits_),
      memory_(static_cast<size_t>(limits_.num_pages * limits_.page_tokens)) {}

void SchedulerSimulation::run(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    disturb();
    guess();
    advance();
    check_pages();
  }
  int64_t left = 0;
  for (auto& [id, s] : live_) {
    scheduler_.pause(id, s.paused = false);
    left += s.wanted + 1;
  }
  // Alone and one after the other, each would need at most this many steps.
  for (int64_t i = 0; i < left * scheduler_.max_sequence_tokens() && !live_.empty(); ++i) advance();
  demand(live_.empty(), "sequences never ended");
  demand(scheduler_.pool().num_held() == 0, "pages leaked");
  demand(finished_ > 0 || steps == 0, "nothing ever ended");
}

void SchedulerSimulation::disturb() {
  if (live_.size() < 12 && chance(3)) arrive();
  std::vector<SequenceId> ids;
  for (const auto& [id, s] : live_) ids.push_back(id);
  for (const SequenceId id : ids) {
    Live& s = live_.at(id);
    if (chance(20)) scheduler_.pause(id, s.paused = !s.paused);
    if (chance(60)) end(id);
  }
}

void SchedulerSimulation::arrive() {
  const auto most = static_cast<uint64_t>(scheduler_.max_sequence_tokens());
  const auto known = static_cast<int64_t>(1 + random_.below(most));
  const auto wanted = known + static_cast<int64_t>(random_.below(most - static_cast<uint64_t>(known) + 1));
  const uint64_t beginning = random_.below(kBeginnings);
  const auto shared = static_cast<int64_t>(random_.below(static_cast<uint64_t>(known) + 1));
  Arrival arrival{.tenant = kTenants[random_.below(std::size(kTenants))]};
  arrival.weight = weight_of(arrival.tenant);
  arrival.priority = static_cast<int64_t>(random_.below(2));
  arrival.salt = random_.below(2);
  arrival.compute_all = chance(10);
  for (int64_t i = 0; i < known; ++i)
    arrival.tokens.push_back(i < shared ? shared_token(beginning, i) : static_cast<int32_t>(random_.below(1000)));
  for (uint64_t i = random_.below(3); i > 0; --i) add(arrival, wanted);  // further choices of one request
  add(std::move(arrival), wanted);
}

void SchedulerSimulation::add(Arrival arrival, int64_t wanted) {
  Live live{.tenant = arrival.tenant, .salt = arrival.salt, .wanted = wanted};
  uint64_t mark = mix64(arrival.salt + 1);
  for (const int32_t token : arrival.tokens) live.marks.push_back(mark = mix64(mark ^ static_cast<uint64_t>(token)));
  live_.emplace(next_, std::move(live));
  scheduler_.add(next_++, std::move(arrival));
}

void SchedulerSimulation::end(SequenceId id) {
  reused_tokens_ += scheduler_.num_reused(id);
  scheduler_.remove(id);
  live_.erase(id);
}

void SchedulerSimulation::guess() {
  for (auto& [id, s] : live_) {
    s.guesses.clear();
    for (uint64_t i = chance(2) ? random_.below(5) : 0; i > 0; --i)
      s.guesses.push_back(static_cast<int32_t>(random_.below(2)));
    scheduler_.propose(id, std::ssize(s.guesses));
  }
}

void SchedulerSimulation::advance() {
  const std::vector<Chunk> chunks = scheduler_.plan();
  check_plan(chunks);
  check_turns();
  for (const Chunk& chunk : chunks) compute(chunk);
  scheduler_.commit(chunks);
  for (const Chunk& chunk : chunks)
    if (chunk.last) sample(chunk);
  for (auto& [id, s] : live_) s.guesses.clear();
}

uint64_t& SchedulerSimulation::cell(SequenceId id, int64_t position) {
  const PageId page = scheduler_.pages(id).at(static_cast<size_t>(position / limits_.page_tokens));
  return memory_.at(static_cast<size_t>(page * limits_.page_tokens + position % limits_.page_tokens));
}

/// Reads what is computed, writes what is not.
void SchedulerSimulation::compute(const Chunk& chunk) {
  const Live& s = live_.at(chunk.id);
  for (int64_t i = 0; i < chunk.first; ++i)
    demand(cell(chunk.id, i) == s.marks[static_cast<size_t>(i)], "a page holds what its sequence never said");
  for (int64_t i = chunk.first; i < chunk.first + chunk.count; ++i) cell(chunk.id, i) = s.marks[static_cast<size_t>(i)];
  uint64_t mark = s.marks.back();
  for (int64_t i = 0; i < chunk.drafts; ++i) {
    mark = mix64(mark ^ static_cast<uint64_t>(s.guesses[static_cast<size_t>(i)]));
    cell(chunk.id, chunk.first + chunk.count + i) = mark;
  }
}

/// One token behind the newest known one, and one more for each draft that was right.
void SchedulerSimulation::sample(const Chunk& chunk) {
  const std::vector<int32_t> guesses = live_.at(chunk.id).guesses;
  for (int64_t i = 0; i <= chunk.drafts; ++i) {
    const auto token = static_cast<int32_t>(random_.below(2));
    const bool right = i < chunk.drafts && guesses[static_cast<size_t>(i)] == token;
    if (!append(chunk.id, token, right) || !right) return;
    ++accepted_drafts_;
  }
}

/// False when the sequence ended.
bool SchedulerSimulation::append(SequenceId id, int32_t token, bool computed) {
  Live& s = live_.at(id);
  if (std::ssize(s.marks) == s.wanted) {
    end(id);
    ++finished_;
    return false;
  }
  s.marks.push_back(mix64(s.marks.back() ^ static_cast<uint64_t>(token)));
  scheduler_.append(id, token, computed);
  return true;
}

void SchedulerSimulation::check_plan(const std::vector<Chunk>& chunks) {
  int64_t total = 0;
  std::set<SequenceId> once;
  for (const Chunk& chunk : chunks) {
    const Live& s = live_.at(chunk.id);
    total += chunk.count + chunk.drafts;
    demand(once.insert(chunk.id).second, "a sequence has two chunks");
    demand(!s.paused, "a paused sequence is computed");
    demand(chunk.count > 0 && chunk.first == scheduler_.num_computed(chunk.id), "a chunk is not the next");
    demand(chunk.last == (chunk.first + chunk.count == std::ssize(s.marks)), "a last chunk is not the last");
    demand(chunk.drafts == 0 || chunk.last, "drafts behind tokens that are not computed yet");
    demand(chunk.drafts <= std::ssize(s.guesses), "drafts that nobody proposed");
    const auto held = std::ssize(scheduler_.pages(chunk.id)) * limits_.page_tokens;
    demand(held >= chunk.first + chunk.count + chunk.drafts, "a chunk is larger than its pages");
  }
  demand(total <= limits_.step_tokens, "the budget of a step is exceeded");
  check_progress(chunks);
}

/// Whoever wants something, somebody gets something.
void SchedulerSimulation::check_progress(const std::vector<Chunk>& chunks) const {
  const auto wants = [](const auto& entry) { return !entry.second.paused; };
  demand(!chunks.empty() || std::none_of(live_.begin(), live_.end(), wants), "nothing is computed, though wanted");
}

/// Each page that two hold is one that both have filled alike, so compute() has looked at it; here they are counted.
void SchedulerSimulation::check_pages() {
  std::map<PageId, int64_t> holders;
  int64_t running = 0;
  for (const auto& [id, s] : live_) {
    const std::vector<PageId>& pages = scheduler_.pages(id);
    for (size_t i = 0; i < pages.size(); ++i) {
      const bool full = (static_cast<int64_t>(i) + 1) * limits_.page_tokens <= scheduler_.num_computed(id);
      const int64_t now = ++holders[pages[i]];
      demand(full || now == 1, "a page that is written on is shared");
    }
    running += !pages.empty();
  }
  for (const auto& [page, count] : holders)
    demand(scheduler_.pool().holders(page) == count, "a page is held by somebody who is gone");
  demand(scheduler_.pool().num_held() == std::ssize(holders), "a page leaked");
  demand(running == scheduler_.num_running() && running <= limits_.max_running, "too many sequences run");
}

/// Of two tenants that wait, neither has got more than the other by more than what one batch holds and one sequence
/// brings (arXiv 2401.00588, lemma 4.3, with costs 1 and 2).
void SchedulerSimulation::check_turns() {
  std::map<std::string, double> waiting;
  for (const auto& [id, s] : live_)
    if (scheduler_.pages(id).empty() && !s.paused) waiting[s.tenant] = scheduler_.queue().served(s.tenant);
  const auto bound = static_cast<double>((2 * limits_.max_running + 1) * scheduler_.max_sequence_tokens());
  for (const auto& [a, served_a] : waiting)
    for (const auto& [b, served_b] : waiting) {
      demand(served_a - served_b <= bound, a + " got more than its share, and " + b + " waits");
      compared_tenants_ += a < b;
    }
}

}  // namespace maru::infer
