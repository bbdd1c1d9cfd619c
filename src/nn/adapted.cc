#include "nn/adapted.h"

#include <algorithm>

namespace maru {
namespace {

bool sets_apart(AdapterWeights& adapter, std::initializer_list<const Parameter*> parameters, Apart when) {
  for (const Parameter* p : parameters)
    if (adapter.replacement(*p) != nullptr) return true;
  if (when == Apart::kReplaced) return false;
  const LoraWeights* const update = adapter.update(**parameters.begin());
  return update != nullptr && (when == Apart::kUpdated || update->is_decomposed());
}

}  // namespace

Parameter& chosen(Context& ctx, Parameter& parameter) {
  if (ctx.adapters == nullptr || ctx.adapters->size() != 1) return parameter;
  AdapterWeights* const adapter = ctx.adapters->front().adapter;
  Parameter* const replacement = adapter != nullptr ? adapter->replacement(parameter) : nullptr;
  return replacement != nullptr ? *replacement : parameter;
}

bool differ(const Context& ctx, std::initializer_list<const Parameter*> parameters, Apart when) {
  if (ctx.adapters == nullptr || ctx.adapters->size() == 1) return false;
  return std::ranges::any_of(*ctx.adapters, [&](const AdapterRun& run) {
    return run.adapter != nullptr && sets_apart(*run.adapter, parameters, when);
  });
}

LoraWeights* common_update(const Context& ctx, const Parameter& weight) {
  if (ctx.adapters == nullptr || ctx.adapters->size() != 1) return nullptr;
  AdapterWeights* const adapter = ctx.adapters->front().adapter;
  return adapter != nullptr ? adapter->update(weight) : nullptr;
}

}  // namespace maru
