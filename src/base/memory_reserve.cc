#include "base/memory_reserve.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace maru {
namespace {

// A global of the program, as in map_guard.cc: a new-handler can reach nothing else.
struct Reserve {
  std::atomic<void*> first{nullptr}, last{nullptr};
  std::atomic<size_t> bytes{0};  // of each

  static Reserve& instance() {
    static Reserve* const kReserve = new Reserve;  // lives as long as anything is allocated
    return *kReserve;
  }
};

bool refill(std::atomic<void*>& half, size_t bytes) {
  if (half != nullptr) return true;
  void* const taken = std::malloc(bytes);
  void* none = nullptr;
  if (taken != nullptr && !half.compare_exchange_strong(none, taken)) std::free(taken);
  return taken != nullptr;
}

/// What operator new calls when it finds nothing: it tries again when this returns.
void give_up() {
  Reserve& reserve = Reserve::instance();
  if (void* const held = reserve.first.exchange(nullptr); held != nullptr) return std::free(held);
  std::free(reserve.last.exchange(nullptr));
  throw std::bad_alloc();
}

}  // namespace

void keep_memory_reserve(size_t bytes) {
  Reserve& reserve = Reserve::instance();
  std::set_new_handler(give_up);
  std::free(reserve.first.exchange(nullptr));
  std::free(reserve.last.exchange(nullptr));
  reserve.bytes = bytes / 2;
  if (!refill_memory_reserve()) throw std::bad_alloc();
}

bool refill_memory_reserve() {
  Reserve& reserve = Reserve::instance();
  return reserve.bytes == 0 || (refill(reserve.last, reserve.bytes) && refill(reserve.first, reserve.bytes));
}

}  // namespace maru
