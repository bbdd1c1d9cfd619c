// What of a file a client wants (RFC 9110 §13, §14): nothing new, a range, or all of it.
#pragma once
#include <string>
#include <string_view>

#include "http/dialect.h"

namespace maru::http {

/// Makes of a whole file what the request asks for: 304 where If-None-Match names its etag; for GET with one range of
/// bytes 206, or 416 in the dialect's words where there are no such bytes. If-Range that names another etag, several
/// ranges, other units and what is no range at all are answered with the whole file, as everybody may (§14.2).
void apply_conditions(const Request& request, const Dialect& dialect, Reply& reply);
/// An etag as ETag names it, in quotes.
std::string entity_tag(std::string_view etag);
/// Whether the list of an If-None-Match has it, weak or not, or is "*". `etag` without quotes.
bool lists_etag(std::string_view list, std::string_view etag);

}  // namespace maru::http
