// Quantized weights as files hold them: docs/formats/maru-quantized.md. A weight NAME is NAME.quads and NAME.scales in
// the layout that kernels read, which is used where it is mapped.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "formats/weight_files.h"
#include "models/model.h"

namespace maru {

/// What config.json says about weights of this kind: its `quantization_config`. `calibration` names the method, "none"
/// for plain rounding.
Json quantization_json(QuantizedKind kind, QuantizedKind table_kind, const std::string& calibration);

/// The weight `name` of this shape; nothing when none of its tensors are there.
///
/// Throws   kDataLoss when one of them is missing, or is not what the shape asks for.
std::optional<QuantizedWeight> read_panels(const formats::WeightFiles& files, const std::string& name, Shape shape,
                                           const std::string& where);

/// The tensors of all quantized weights, quads first: their sizes are multiples of 64 bytes, so that all of them are
/// aligned. What they look at is added to `held`, which must outlive them.
std::vector<formats::SafetensorsItem> panel_items(Model& model, std::vector<Tensor>& held);

}  // namespace maru
