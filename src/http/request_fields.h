// Which fields a JSON body may have: those that are read, and those that an API documents and this server does not act
// on. Both are tables, so that what is published of them (docs/request-fields.md) is what is done.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "base/json.h"

namespace maru::http {

/// A documented field that this server does not act on.
struct PassedField {
  std::string_view name;
  /// Which values are taken: JSON values separated by '|', "*" for any, because none changes an answer. Others are
  /// refused; empty: all are.
  std::string_view values;
  std::string_view doc;  // what it is, or what to do instead
};

/// A body of one route: what is read of it, with what it is for, and what is passed over.
struct BodyFields {
  std::string_view name;  // of the body
  std::vector<std::pair<std::string_view, std::string_view>> read;
  std::vector<PassedField> passed;
};

template <HasFields T>
BodyFields body_fields(std::string_view name, std::vector<PassedField> passed) {
  return std::apply(
      [&](const auto&... f) {
        return BodyFields{name, {std::pair(f.name, f.doc)...}, std::move(passed)};
      },
      T::fields());
}

/// The members of `body` that are read. Fields that nobody documents are refused with the nearest of those that are
/// known, or, with `ignore_unknown`, left out with a warning.
///
/// Throws   RequestFailure naming the field: "unsupported_parameter", "unknown_parameter".
Json take_fields(Json body, const BodyFields& fields, bool ignore_unknown, std::vector<std::string>& warnings);

}  // namespace maru::http
