#include "base/memory_reserve.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <new>

namespace maru {
namespace {

constexpr size_t kBlocks = 16;
constexpr uintptr_t kOfHeap = 1;  // a bit that no address of a block has

// A global of the program, as in map_guard.cc: a new-handler can reach nothing else.
struct Reserve {
  std::array<std::atomic<uintptr_t>, kBlocks> blocks{};  // never touched, so they take addresses alone; 0: given up
  std::atomic<size_t> block_bytes{0};

  static Reserve& instance() {
    static Reserve* const kReserve = new Reserve;  // lives as long as anything is allocated
    return *kReserve;
  }

  void release(uintptr_t block) {
    auto* const bytes = reinterpret_cast<void*>(block & ~kOfHeap);
    if ((block & kOfHeap) != 0)
      std::free(bytes);
    else
      ::munmap(bytes, block_bytes);
  }
  /// Of the system, so that any thread can have it again; or of the heap, where what was freed stays.
  uintptr_t take() {
    void* const mapped =
        ::mmap(nullptr, block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped != MAP_FAILED) return reinterpret_cast<uintptr_t>(mapped);
    void* const bytes = std::malloc(block_bytes);
    return bytes == nullptr ? 0 : reinterpret_cast<uintptr_t>(bytes) | kOfHeap;
  }
  /// One of the first `count`.
  bool give_up(size_t count) {
    for (size_t i = 0; i < count; ++i)
      if (const uintptr_t block = blocks[i].exchange(0); block != 0) return release(block), true;
    return false;
  }
  bool refill(std::atomic<uintptr_t>& block) {
    if (block != 0) return true;
    const uintptr_t taken = take();
    uintptr_t none = 0;
    if (taken != 0 && !block.compare_exchange_strong(none, taken)) release(taken);
    return taken != 0;
  }
};

/// What operator new calls when it finds nothing: it tries again when this returns. Little is given up at a time, for
/// whoever is first takes it; and some only to those who take something down.
void find_some() {
  const bool fails = std::uncaught_exceptions() > 0 || std::current_exception() != nullptr;
  if (!Reserve::instance().give_up(fails ? kBlocks : kBlocks / 2)) throw std::bad_alloc();
}

}  // namespace

void keep_memory_reserve(size_t bytes) {
  Reserve& reserve = Reserve::instance();
  std::set_new_handler(find_some);
  while (reserve.give_up(kBlocks)) continue;
  reserve.block_bytes = bytes / kBlocks;
  if (!refill_memory_reserve()) throw std::bad_alloc();
}

bool refill_memory_reserve() {
  Reserve& reserve = Reserve::instance();
  if (reserve.block_bytes == 0) return true;
  size_t held = 0;
  for (size_t i = kBlocks; i-- > 0 && reserve.refill(reserve.blocks[i]);) ++held;
  return held > kBlocks / 2;
}

}  // namespace maru
