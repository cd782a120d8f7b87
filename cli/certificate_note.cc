#include "certificate_note.h"

#include <cstddef>

#include "certificate_words.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kQuicklyRead = 32 << 20;  // bytes that are read and digested in about 8 ms

/// In the words of the command's options.
std::string broken_by(const Model& model, const ExitPolicy& policy, const Execution& execution,
                      bool reads_jpegs) {
  const CertificateCheck check = certificate_check(model, policy, execution, reads_jpegs);
  switch (check.breach) {
    case CertificateBreach::none:
    case CertificateBreach::one_exit:
    case CertificateBreach::decoder:
    case CertificateBreach::thresholds: break;
    case CertificateBreach::confidence: return "is for --confidence max";
    case CertificateBreach::winograd:
      return model.certificate()->winograd ? "is for answers without --no-winograd"
                                           : "is for answers with --no-winograd";
    case CertificateBreach::kernels:
      return std::string("is for answers with --kernels ") + name_of(model.certificate()->kernels);
  }
  return check.why;
}

std::string start_of_note(const Certificate& certificate) {
  return "note: the model's certificate (" + std::string(name_of(certificate.risk)) + " at most " +
         amount_in_words(certificate.risk, certificate.epsilon) + ") does not hold";
}

std::size_t weight_bytes(const Model& model) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : model.tensors()) bytes += tensor.bytes();
  return bytes;
}

}  // namespace

std::string certificate_note(const Model& model, const ExitPolicy& policy,
                             const Execution& execution, bool read_all) {
  const bool is_read = read_all || weight_bytes(model) <= kQuicklyRead;
  if (!model.certificate()) return is_read ? file_note(model) : "";
  const std::string broken = broken_by(model, policy, execution, false);
  if (!broken.empty()) return start_of_note(*model.certificate()) + " here: it " + broken;
  if (policy.always_exit || !is_read) return "";
  return file_note(model);
}

std::string jpeg_note(const Model& model, const ExitPolicy& policy, const Execution& execution) {
  if (!model.certificate() || !broken_by(model, policy, execution, false).empty()) return "";
  const std::string broken = broken_by(model, policy, execution, true);
  return broken.empty() ? "" : start_of_note(*model.certificate()) + " here: it " + broken;
}

std::string file_note(const Model& model) {
  if (!model.certificate()) {
    const std::string problem = model.file_problem();
    return problem.empty() ? "" : "note: the model's file was changed: " + problem;
  }
  const std::string problem = model.certificate_problem();
  return problem.empty() ? "" : start_of_note(*model.certificate()) + ": " + problem;
}

}  // namespace sidenet::tools
