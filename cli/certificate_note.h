#pragma once

#include <string>

#include "sidenet/execution.h"
#include "sidenet/exit_policy.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// One line where the model's file was changed since it was saved, or it has a certificate that
/// this call does not keep, else "": other thresholds, another measure of confidence, or other
/// kernels than were certified, or a file that is not as it was certified. MainNet's own
/// answers keep every certificate. The file's check reads all weights; without `read_all` only
/// those of a small model are read.
std::string certificate_note(const Model& model, const ExitPolicy& policy,
                             const Execution& execution, bool read_all);

/// One line where this build decodes JPEG files otherwise than the certificate's were, and the call
/// keeps it else; "" where not. Reads no weights.
std::string jpeg_note(const Model& model, const ExitPolicy& policy, const Execution& execution);

/// One line where the file was changed, or the model's certificate does not hold for it, else "".
/// Reads all weights.
std::string file_note(const Model& model);

}  // namespace sidenet::tools
