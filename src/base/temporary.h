// Names of what is still being written or replaced, and the removal of what killed processes left of it.
//
//   NAME.tmp-PID   written by process PID, to become NAME
//   NAME.old-PID   was NAME; process PID is replacing it
//   .NAME.lock     held by who writes NAME (base/file_lock.h)
#pragma once
#include <string_view>

#include "base/file.h"

namespace maru {

fs::path temporary_of(const fs::path& place);
fs::path replaced_of(const fs::path& place);
/// Whether a file name is one of the three above: never that of a thing itself.
bool is_temporary(std::string_view name);

/// Throws kInvalidArgument when the last part of a path that a user gave is such a name: it would be taken for one.
void refuse_temporary_name(const fs::path& place);

/// Marks a file as one that its writer still holds, for as long as the descriptor is open.
void hold_temporary(int descriptor);
/// Marks a directory, whole or not, as one that may be removed when nobody holds its name any more: a folder of someone
/// else's may be called so too. The mark is a file .maru.lock in it, which belongs to no artefact.
void mark_temporary(const fs::path& directory);
void unmark_temporary(const fs::path& directory);
/// Removes a marked directory with all in it, the mark last: whoever dies here leaves one that is still marked. Links
/// are removed, not followed.
///
/// Throws   the system's error, naming what could not be removed.
void remove_temporary(const fs::path& directory);

/// Removes what dead processes left in `folder` (not below it): files, and directories that are marked or empty. Gives
/// NAME back its old directory where a process died between moving it away and putting the new one in its place. A
/// process lives as long as it holds the file, or the lock on NAME; its id alone says little, since ids come again.
/// What cannot be removed stays: this is tidying, and never fails.
void remove_leftovers(const fs::path& folder);
/// Only what was to become `place`. `locked`: the caller holds the lock on it.
void remove_leftovers_of(const fs::path& place, bool locked);

}  // namespace maru
