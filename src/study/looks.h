#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "locked_file.h"
#include "measure_exits.h"
#include "sidenet/calibration.h"

namespace sidenet {

/// How often the rows of a promise were looked at. Testing a set of rows again, as it grows or by
/// another seed, breaks promises more often than delta, unless each look has a part of it: delta /
/// (k (k + 1)) for look k, or one of options.planned_looks equal ones (all looks together fail with
/// probability delta at most, whatever the rows share).
///
/// Kept in options.looks (JSON), locked from here until this goes; without one each look counts as
/// the first:
///   {"format": 1, "model": …, "risk": "drop", "epsilon": …, "delta": …, "by_class": …,
///    "distinct": …, "planned": 0,
///    "looks": [{"level": …, "seed": "1", "data": …, "unlabelled": …, "rows": n,
///               "fit": "automatic", "certified": false}, …],
///    "rows": ["8 hexadecimal digits a row, sorted, of the last look", …]}
/// Of a look "winograd" and "kernels" too, where they are not the default.
class Looks {
 public:
  /// rows: of measured, those used. Throws Error where the file is damaged, of another model,
  /// promise or plan, of rows that are not all among these, or all planned looks are spent.
  Looks(const Model& model, const MeasuredExits& measured, const std::vector<std::uint32_t>& rows,
        const MeasuredExits* unlabelled, const CalibrateOptions& options);

  int number() const { return number_; }   ///< of this look, from 1
  double level() const { return level_; }  ///< its part of delta
  bool kept() const { return file_.has_value(); }
  const std::string& data_digest() const { return data_; }
  /// Adds this look to the file, whatever came of it: its part of delta is spent once the outcome
  /// is seen. The same look once more (same rows, seed and options, so the same outcome) is not
  /// counted again.
  void record(bool certified);

 private:
  struct Look {
    double level = 0;
    std::string seed{}, data{}, unlabelled{}, fit{};
    std::int64_t rows = 0;
    bool winograd = true;
    Kernels kernels = Kernels::automatic;
    bool certified = false;
    bool is_same(const Look& other) const {
      return seed == other.seed && data == other.data && unlabelled == other.unlabelled &&
             fit == other.fit && winograd == other.winograd && kernels == other.kernels;
    }
  };
  void read();
  void expect_rows(const std::vector<std::uint32_t>& before) const;

  const CalibrateOptions& options_;
  std::optional<LockedFile> file_;
  std::string network_, data_;
  std::vector<std::uint32_t> rows_;  // digests, sorted
  std::vector<Look> looks_;
  Look now_;
  int number_ = 1;
  double level_;
};

}  // namespace sidenet
