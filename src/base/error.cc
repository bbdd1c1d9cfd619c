#include "base/error.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace maru {
namespace {

struct CodeRow {
  std::string_view name;
  int http, exit;
};

constexpr std::array<CodeRow, 10> kCodes{{
    {"invalid_argument", 400, 2},
    {"not_found", 404, 3},
    {"exists", 409, 4},
    {"exhausted", 429, 5},
    {"unavailable", 503, 6},
    {"cancelled", 499, 130},
    {"deadline", 504, 7},
    {"data_loss", 500, 8},
    {"unimplemented", 501, 9},
    {"internal", 500, 1},
}};

const CodeRow& row(ErrorCode code) { return kCodes[static_cast<size_t>(code)]; }

}  // namespace

std::string_view name_of(ErrorCode code) { return row(code).name; }
int http_status_of(ErrorCode code) { return row(code).http; }
int exit_code_of(ErrorCode code) { return row(code).exit; }

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed: this is a bug in maru\n", file, line, condition);
  std::abort();
}

}  // namespace maru
