#pragma once

#include <map>
#include <ostream>
#include <string>

#include "json_lines.h"
#include "sidenet/checkpoint.h"
#include "sidenet/model.h"

namespace sidenet::tools {

struct InspectOptions {
  std::string file;
  bool taps = false, nodes = false, tensors = false, json = false;
};

/// To stdout.
void inspect_model(const Model& model, const InspectOptions& options);
void inspect_checkpoint(const Checkpoint& checkpoint, const InspectOptions& options);

/// A table of names, types, shapes and sizes, with a total.
void print_tensors(std::ostream& out, const std::map<std::string, Tensor>& tensors);
Json tensors_json(const std::map<std::string, Tensor>& tensors);

}  // namespace sidenet::tools
