// What a template may use: steps, time, live bytes, nesting. Every object of a render is charged to its Memory and
// given back when it dies, so a hostile template meets a limit, never the machine's. One thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace maru::text::jinja {

struct Limits {
  int64_t steps = 10'000'000;  // work, counted before it is done: a node evaluated, 64 bytes copied or searched,
                               // 16 bytes looked at character by character, 8 items; none takes more than some 100 ns
  double seconds = std::numeric_limits<double>::infinity();  // of wall time; for those who answer strangers
  int64_t memory_bytes = 256 << 20;                          // live at one time
  int64_t output_bytes = 16 << 20;                           // of one string, the rendered text among them
  int depth = 800;                                           // of nested statements, expressions and macro calls
  static constexpr int kNesting = 300;  // of containers that are printed, compared or written as JSON
  static constexpr int kSyntaxDepth = 200;
  static constexpr size_t kSourceBytes = 1 << 20;
  static constexpr int64_t kRangeItems = 100'000;  // as jinja2's sandbox
};

class Memory;

/// What values share by reference. Base of strings, containers and objects.
class Heap {
 public:
  Heap() = default;
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  virtual ~Heap();

 protected:
  /// For destructors: lets go of a child without recursion.
  void release(std::shared_ptr<Heap> child);

 private:
  friend class Memory;
  std::shared_ptr<Memory> memory_;  // null: a constant of the template
  int64_t charged_ = 0;
};

/// Counts live bytes, and frees chains of objects without recursion.
class Memory : public std::enable_shared_from_this<Memory> {
 public:
  explicit Memory(int64_t limit) : limit_(limit) {}
  int64_t room() const { return limit_ - used_; }
  /// Charges `object` with `bytes`. Throws kExhausted at the limit.
  void charge(Heap& object, int64_t bytes);
  /// Counts what lives outside of objects; negative: it is gone.
  void hold(int64_t bytes) { used_ += bytes; }
  /// Keeps `object` from being freed inside the destructor of what holds it.
  void bury(std::shared_ptr<Heap> object);

 private:
  friend class Heap;
  int64_t limit_, used_ = 0;
  std::vector<std::shared_ptr<Heap>> graves_;
  bool digging_ = false;
};

}  // namespace maru::text::jinja
