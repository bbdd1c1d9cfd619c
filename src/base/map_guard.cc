#include "base/map_guard.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <utility>

namespace maru {

namespace fs = std::filesystem;

struct MapGuard::Slot {
  // Read by the signal handler.
  std::atomic<uintptr_t> begin{0}, end{0};  // begin == 0: free
  std::atomic<bool> damaged{false};
  // Guarded by the registry's mutex.
  bool taken = false, counted = false;
  fs::path path;
  struct stat identity {};

  Outcome intact() const {
    const std::string name = (path.parent_path().filename() / path.filename()).string();
    const auto lost = [&](const char* what) {
      return Outcome(ErrorCode::kDataLoss, name + ": " + what + " while it was in use; load it again");
    };
    if (damaged.load(std::memory_order_acquire)) return lost("was cut short, or could not be read,");
    struct stat now {};
    if (::stat(path.c_str(), &now) != 0 || now.st_dev != identity.st_dev || now.st_ino != identity.st_ino)
      return Done{};  // another file has its name now, or none
    if (now.st_size < identity.st_size) return lost("was cut short");
    const bool same_time =
        now.st_mtim.tv_sec == identity.st_mtim.tv_sec && now.st_mtim.tv_nsec == identity.st_mtim.tv_nsec;
    if (now.st_size != identity.st_size || !same_time) return lost("was written to");
    return Done{};
  }
};

// The second global of the program, for the same reason as the first (interrupt.cc): a signal handler can reach nothing
// else. Blocks of slots are never freed, so the handler can walk them at any time.
struct MapGuard::Registry {
  struct Block {
    std::array<Slot, 64> slots;
    std::atomic<Block*> next{nullptr};
  };
  Block first;
  std::mutex mutex;
  size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));

  static Registry& instance() {
    static Registry* const kRegistry = new Registry;  // lives as long as faults can come
    return *kRegistry;
  }

  template <class Visit>
  void each(const Visit& visit) {
    for (Block* block = &first; block != nullptr; block = block->next.load(std::memory_order_acquire))
      for (Slot& slot : block->slots)
        if (!visit(slot)) return;
  }

  Slot& take() {
    Slot* found = nullptr;
    Block* last = &first;
    each([&](Slot& slot) { return slot.taken || (found = &slot, false); });
    if (found == nullptr) {
      while (Block* next = last->next) last = next;
      auto* added = new Block;
      last->next.store(added, std::memory_order_release);
      found = &added->slots[0];
    }
    found->taken = true;
    return *found;
  }

  /// Only what a signal handler may do: atomics and a system call.
  bool repair(uintptr_t address) {
    bool done = false;
    each([&](Slot& slot) {
      const uintptr_t begin = slot.begin.load(std::memory_order_acquire),
                      end = slot.end.load(std::memory_order_acquire);
      if (begin == 0 || address < begin || address >= end) return true;
      // To the end in one piece: what lies behind is lost too, and maps are limited in number.
      void* const from = reinterpret_cast<void*>(address / page * page);
      const size_t size = (end + page - 1) / page * page - address / page * page;
      slot.damaged.store(true, std::memory_order_release);
      done = ::mmap(from, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == from;
      return false;
    });
    return done;
  }

  static void on_bus_error(int, siginfo_t* info, void*) {
    const int error = errno;
    const bool ours = info->si_code > 0 && instance().repair(reinterpret_cast<uintptr_t>(info->si_addr));
    errno = error;
    if (ours) return;
    struct sigaction standard {};  // the fault comes again at once and ends the process as it would have
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGBUS, &standard, nullptr);
    if (info->si_code <= 0) ::raise(SIGBUS);
  }

  Registry() {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, nullptr);
  }
};

MapGuard::MapGuard(std::span<const std::byte> bytes, const fs::path& path, int fd) {
  Registry& registry = Registry::instance();
  const std::scoped_lock lock(registry.mutex);
  slot_ = &registry.take();
  slot_->path = fs::absolute(path);
  slot_->counted = false;
  slot_->damaged = false;
  CHECK(::fstat(fd, &slot_->identity) == 0);
  slot_->end.store(reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()), std::memory_order_release);
  slot_->begin.store(reinterpret_cast<uintptr_t>(bytes.data()), std::memory_order_release);
}

MapGuard::~MapGuard() {
  if (slot_ == nullptr) return;
  const std::scoped_lock lock(Registry::instance().mutex);
  slot_->begin.store(0, std::memory_order_release);
  slot_->taken = false;
}

MapGuard::MapGuard(MapGuard&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}

MapGuard& MapGuard::operator=(MapGuard&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

void MapGuard::count_in() {
  if (slot_ == nullptr) return;
  const std::scoped_lock lock(Registry::instance().mutex);
  slot_->counted = true;
}

Outcome MapGuard::intact() const { return slot_ == nullptr ? Outcome(Done{}) : slot_->intact(); }

Outcome mapped_files_intact() {
  MapGuard::Registry& registry = MapGuard::Registry::instance();
  const std::scoped_lock lock(registry.mutex);
  Outcome outcome = Done{};
  registry.each([&](MapGuard::Slot& slot) {
    if (slot.taken && slot.counted) outcome = slot.intact();
    return outcome.ok();
  });
  return outcome;
}

}  // namespace maru
