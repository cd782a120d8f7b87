#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "sidenet/model.h"

namespace sidenet::tools {

/// "3 x 32 x 32".
std::string extents(const Shape& shape);
/// "resize 256, crop 224, mean 0.485 0.456 0.406, std 0.229 0.224 0.225, RGB".
std::string describe(const Preprocessing& preprocessing);
std::string describe(const Tokenizer& tokenizer);
std::int64_t total_parameters(const std::vector<NodeInfo>& nodes);

/// Architecture, classes, input, parameters and compute, a line each.
void print_summary(std::ostream& out, const Model& model);
/// Exits with their SideNets' shape, temperature, threshold and share of MainNet's compute.
void print_exits(std::ostream& out, const Model& model);

/// What was promised, and whether that still holds; nothing where nothing was. Reads all weights.
void print_certificate(std::ostream& out, const Model& model);

}  // namespace sidenet::tools
