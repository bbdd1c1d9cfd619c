// Memory that is kept for the moment when there is none left. What fails for want of memory needs some itself to be
// undone: the destructor of a JSON value, the words of an error, a note in a queue; whoever finds none there ends the
// process.
#pragma once
#include <cstddef>

namespace maru {

/// From now on whoever finds no memory gets half of these bytes, all threads together, so that what is under way ends
/// well; then comes std::bad_alloc, and the other half is for those whom an exception takes down. Installs the
/// process's new-handler. 0: keeps none.
///
/// Throws   std::bad_alloc when there are not as many.
void keep_memory_reserve(size_t bytes);

/// Takes it again where it was given up, as far as there is memory by now. False: not even half of it can be had, and
/// nothing new should be begun. Thread-safe.
bool refill_memory_reserve();

}  // namespace maru
