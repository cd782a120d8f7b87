#pragma once

#include <map>
#include <string>

#include "sidenet/exit_policy.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// The threshold that the policy gives each exit but `final`; it must not name an exit that always answers.
std::map<std::string, double> thresholds_of(const Model& model, const ExitPolicy& policy);

/// One line where the model has a certificate that this call does not keep, else "": other thresholds, another measure of
/// confidence, or other convolutions than were certified. MainNet's own answers keep every certificate. Whether the file
/// itself is as it was certified is not looked at (Model::certificate_problem reads all weights).
std::string certificate_note(const Model& model, const ExitPolicy& policy, bool winograd);

}  // namespace sidenet::tools
