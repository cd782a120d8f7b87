#pragma once

#include <ostream>
#include <string>

#include "json_lines.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// What import took for granted, a line each, and whether the model was compared with PyTorch.
void print_assumptions(std::ostream& out, const Model& model);
/// [{"what", "value", "source"}, …].
Json assumptions_json(const Model& model);
/// {"rows", "difference"}; null where it was never compared.
Json checked_json(const Model& model);
/// One line where nothing has shown that the network is wired as its weights were trained; else "".
std::string check_note(const Model& model);

}  // namespace sidenet::tools
