#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "model_data.h"

namespace sidenet {

// The model file: safetensors with tensors under their PyTorch names, and in __metadata__ (strings
// only, so JSON inside):
//   sidenet.version        "1"
//   sidenet.architecture   {"family": "resnet", "name": "resnet50", "settings": {…}}
//   sidenet.labels         ["airplane", …]
//   sidenet.data_labels    ["1", "2", …], of each class the label of the training data or "", where
//                          names did not tell
//   sidenet.exits          [{"name", "tap", "pool", "hidden", "temperature", "threshold"}, …];
//                          pool: 2, or "cls+mean" for texts; where it was calibrated
//                          "confidence_map": [[x, y], …]
//   sidenet.head           the same for `final`, where the encoder came without one
//   sidenet.final          {"temperature", "confidence_map"} of MainNet's own head, where that was
//                          calibrated
//   sidenet.certificate    the fields of Certificate
//   sidenet.assumptions    [{"what": "stem stride", "value": "2", "source": "default"}, …]; answers
//                          do not depend on it, nor does the digest
//   sidenet.checked        {"rows": 4, "difference": 1e-6}; likewise
//   sidenet.digest         "2:" and answers_digest() of the model as it was saved
// images:
//   sidenet.preprocessing  {"mean": […], "std": […], "resize": 256, "crop": 224, "channels": 3};
//                          "channel_order": "bgr", "interpolation", "crop_mode",
//                          "crop_rounding" and "exif_orientation" where they are not as usual
// texts, where there is a vocabulary:
//   sidenet.vocabulary     ["[PAD]", …], the piece of each id
//   sidenet.tokenizer      the fields of TokenizerOptions, and "model_pieces": n, "added_tokens":
//                          [id, …] where they are not what a plain vocabulary has: all its pieces,
//                          and its special tokens; "normalized_tokens": [place, …] of those among
//                          them that are normalised
using ModelMetadata = std::map<std::string, std::string>;

constexpr const char* kModelVersion = "1";

/// What a model file may hold; import refuses the same.
constexpr std::size_t kMaxLabels = 1 << 18;
constexpr double kMostMean = 1e6, kLeastStd = 1e-12f, kMostStd = 1e6;

/// All but the certificate and the digest, which are about the rest.
ModelMetadata metadata_of(const ModelData& data);
/// What is known of where the model comes from, on which no answer depends.
ModelMetadata provenance_of(const ModelData& data);
std::string certificate_text(const Certificate& certificate);

/// Fills everything in `data` but its weights, which are there. Throws Error, with `path` and the
/// place in the metadata, for whatever no model has.
void read_metadata(const std::string& path, ModelMetadata metadata, ModelData& data);

}  // namespace sidenet
