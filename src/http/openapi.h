// The table of routes as an OpenAPI 3.1 document: what programs generate clients and forms from.
#pragma once
#include <string>

#include "base/json_fwd.h"
#include "http/router.h"

namespace maru::http {

/// Every route with its method, its doc, the parameters of its path, the schema of its body where it reads one through
/// a field table, and the form of its dialect's errors. `version`: of the program.
Json openapi(const Router& router, const std::string& version);

/// To be called once all routes are there: what GET /openapi.json could not say is known at the start.
///
/// Throws   kInternal naming the route whose body, or whose dialect's error, is a struct of a name that another one
/// has.
void check_schemas(const Router& router);

/// GET /openapi.json, of all routes that the router has when it is asked; the router must not move any more.
void add_openapi_route(Router& router, std::string version);

}  // namespace maru::http
