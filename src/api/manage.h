// What an operator changes while the server runs: adapters and models come and go (vLLM's /v1/load_lora_adapter and
// /v1/unload_lora_adapter, as NIM and NeMo call them, and /v1/maru/models/load and /unload). Keys need the scope
// "manage".
#pragma once
#include <string>
#include <vector>

#include "base/file.h"
#include "http/router.h"
#include "platform/home_database.h"
#include "serving/model_host.h"
#include "tensor/device.h"

namespace maru::api {

/// What may be loaded: artefacts of a home by name, and what lies inside these directories.
struct LoadablePlaces {
  fs::path home;                   // empty: none
  std::vector<fs::path> adapters;  // folders of adapters
};

/// What is asked for is written into the audit of `home` (null: there is none) before it is done, and that it failed,
/// after. All must outlive the router.
void add_manage_routes(http::Router& router, serving::ModelHost& models, Device& device, LoadablePlaces places,
                       platform::HomeDatabase* home);

}  // namespace maru::api
