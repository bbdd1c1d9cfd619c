#include "base/system_error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace maru {
namespace {

constexpr std::array<std::pair<int, ErrorCode>, 16> kCodes{{{ENOENT, ErrorCode::kNotFound},
                                                            {ENOTDIR, ErrorCode::kNotFound},
                                                            {EEXIST, ErrorCode::kExists},
                                                            {ENOTEMPTY, ErrorCode::kExists},
                                                            {ENOSPC, ErrorCode::kExhausted},
                                                            {EDQUOT, ErrorCode::kExhausted},
                                                            {EFBIG, ErrorCode::kExhausted},
                                                            {EMFILE, ErrorCode::kExhausted},
                                                            {ENFILE, ErrorCode::kExhausted},
                                                            {ENOMEM, ErrorCode::kExhausted},
                                                            {EACCES, ErrorCode::kInvalidArgument},
                                                            {EPERM, ErrorCode::kInvalidArgument},
                                                            {EROFS, ErrorCode::kInvalidArgument},
                                                            {EISDIR, ErrorCode::kInvalidArgument},
                                                            {ENAMETOOLONG, ErrorCode::kInvalidArgument},
                                                            {EIO, ErrorCode::kDataLoss}}};

ErrorCode code_of(int error) {
  const auto it = std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& row) { return row.first == error; });
  return it == kCodes.end() ? ErrorCode::kInternal : it->second;
}

}  // namespace

Error system_error(const std::filesystem::path& path, const char* action, int error) {
  return {code_of(error), path.string() + ": cannot " + action + ": " + std::generic_category().message(error)};
}

Error system_error(const std::filesystem::filesystem_error& error) {
  const std::filesystem::path& path = error.path2().empty() ? error.path1() : error.path2();
  return {code_of(error.code().value()), path.string() + ": " + error.code().message()};
}

}  // namespace maru
