// The table of routes as an OpenAPI 3.1 document: what programs generate clients and forms from.
#pragma once
#include <string>

#include "base/json_fwd.h"
#include "http/router.h"

namespace maru::http {

/// Every route with its method, its doc, the parameters of its path, the schema of its body where it reads one through
/// a field table, and the form of its dialect's errors. `version`: of the program.
Json openapi(const Router& router, const std::string& version);

/// GET /openapi.json, of all routes that the router has when it is asked; the router must not move any more.
void add_openapi_route(Router& router, std::string version);

}  // namespace maru::http
