#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sidenet/export.h"
#include "sidenet/image.h"
#include "sidenet/kernels.h"
#include "sidenet/risk.h"

namespace sidenet {

struct Execution;
struct ExitPolicy;
class Model;

/// What `calibrate` promises: rows drawn as the calibration rows were lose no more than epsilon.
/// The promise is about calibrating: of many calibrations, each on freshly drawn rows, at most a
/// share delta break it (Learn then Test, arXiv 2110.01052).
struct Certificate {
  Risk risk = Risk::drop;
  double epsilon = 0, delta = 0;
  std::string method;                ///< the test
  std::int64_t rows = 0;             ///< with labels that it was tested on
  std::int64_t unlabelled_rows = 0;  ///< and without
  /// Other rows: temperatures, and in what order thresholds were tested.
  std::int64_t fitted_rows = 0;
  double bound = 0;  ///< upper confidence bound of the risk at look_delta; of all classes
  double disagreement_bound = 0;  ///< at delta, of disagreement with MainNet, whatever the risk
  double accuracy = 0, mainnet_accuracy = 0;  ///< on the rows with labels
  double compute = 0;                         ///< on those rows, over MainNet's
  std::map<std::string, double> thresholds;   ///< by exit; above 1: shut
  std::string precision = "f32";
  bool winograd = true;
  Kernels kernels = Kernels::automatic;  ///< that gave the answers it is about
  /// What decoded the rows that were JPEG files; unset: of texts, or not told.
  std::optional<JpegDecoder> jpeg_decoder = {};
  /// A promise of each class; empty: of all rows together.
  struct ClassPromise {
    std::string label;
    std::int64_t rows = 0;
    double bound = 0;
  };
  std::vector<ClassPromise> classes;
  /// Over different rows, each counted once: another population where rows repeat.
  bool distinct = false;
  /// Whether rows that SideNets were trained on could be left out.
  bool training_rows_known = false;
  // How it came about.
  std::uint64_t seed = 0;  ///< of the split
  std::string data;        ///< digest of the rows and their labels, in their order
  int look = 1;            ///< which one it is at these rows, of those told of
  bool looks_kept = false;
  double look_delta = 0;  ///< the part of delta that this look was tested at
  static constexpr int kVersion = 2;
  /// Below kVersion: from before rows were split by their number. Its promise fails where rows
  /// repeat, so that it does not hold any more.
  int version = kVersion;
  /// Of weights, SideNets, temperatures, maps and all else that answers depend on.
  std::string digest;
};

/// Why answers under a policy are not those that a certificate is for.
enum class CertificateBreach {
  none,        ///< they are; MainNet's own answers keep every certificate
  one_exit,    ///< always one exit's, which is not `final`
  thresholds,  ///< an exit that is open, or was certified open, has another threshold
  confidence,  ///< another measure than Confidence::max_probability
  winograd,    ///< convolutions as Execution::winograd has it now were not certified
  kernels,     ///< Execution::kernels are not those that were certified
  decoder      ///< JPEG files are decoded by another library than those of the calibration
};

struct CertificateCheck {
  CertificateBreach breach = CertificateBreach::none;
  std::string why = {};  ///< one line that goes on "the certificate …"; empty for none
};

/// Whether the answers that `policy` and `execution` give keep the model's certificate, which it
/// must have. `reads_jpegs`: whether rows come from JPEG files, which this build may decode
/// otherwise. That the file is as it was certified is Model::certificate_problem(). Throws Error
/// where the policy does not fit the model.
///
///     if (const CertificateCheck check = certificate_check(model, policy, {});
///         check.breach != CertificateBreach::none)
///       log("the certificate " + check.why);
SIDENET_API CertificateCheck certificate_check(const Model& model, const ExitPolicy& policy,
                                               const Execution& execution,
                                               bool reads_jpegs = false);

}  // namespace sidenet
