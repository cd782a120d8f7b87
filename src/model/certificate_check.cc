#include <algorithm>
#include <cstdio>

#include "model_data.h"
#include "sidenet/certificate.h"
#include "sidenet/error.h"
#include "sidenet/execution.h"
#include "sidenet/exit_policy.h"

namespace sidenet {
namespace {

bool is_open(double threshold) { return threshold <= 1; }

std::string shown(double threshold) {
  if (!is_open(threshold)) return "shut";
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", threshold);
  return text;
}

// Whether the calibration's JPEGs had other pixels. Before it was told all builds had stb_image.
bool decodes_otherwise(const Certificate& certificate) {
  const JpegDecoder certified = certificate.jpeg_decoder.value_or(JpegDecoder::stb_image);
  return certified != JpegDecoder::none && certified != jpeg_decoder();
}

}  // namespace

CertificateCheck certificate_check(const Model& model, const ExitPolicy& policy,
                                   const Execution& execution, bool reads_jpegs) {
  if (!model.certificate()) throw Error(data_of(model).source + ": has no certificate");
  const Certificate& certificate = *model.certificate();
  const std::map<std::string, double> thresholds = thresholds_of(model, policy);
  if (policy.always_exit == kFinalExit) return {};
  if (policy.always_exit)
    return {CertificateBreach::one_exit,
            "is not for the answers of " + *policy.always_exit + " alone"};
  const auto open = [](const auto& entry) { return is_open(entry.second); };
  if (std::none_of(thresholds.begin(), thresholds.end(), open)) return {};
  for (const auto& [exit, threshold] : thresholds) {
    const auto found = certificate.thresholds.find(exit);
    const double certified = found == certificate.thresholds.end() ? 2 : found->second;
    if (threshold == certified || (!is_open(threshold) && !is_open(certified))) continue;
    return {CertificateBreach::thresholds, "is for other thresholds: " + exit + " at " +
                                               shown(certified) + ", not " + shown(threshold)};
  }
  if (policy.confidence != Confidence::max_probability)
    return {CertificateBreach::confidence, "is for confidences that are the highest probability"};
  if (!model.is_text() && certificate.winograd != execution.winograd) {
    return {CertificateBreach::winograd, std::string("is for convolutions ") +
                                             (certificate.winograd ? "by" : "without") +
                                             " Winograd's algorithm"};
  }
  if (certificate.kernels != execution.kernels)
    return {CertificateBreach::kernels,
            std::string("is for the kernels '") + name_of(certificate.kernels) + "'"};
  if (reads_jpegs && decodes_otherwise(certificate)) {
    const std::string certified =
        certificate.jpeg_decoder
            ? std::string("is for JPEGs decoded by ") + name_of(*certificate.jpeg_decoder)
            : std::string("does not tell what decoded its JPEGs");
    return {CertificateBreach::decoder,
            certified + ", and this build has " + name_of(jpeg_decoder())};
  }
  return {};
}

}  // namespace sidenet
