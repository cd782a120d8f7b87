#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sidenet/export.h"

namespace sidenet {

/// Watches audited rows (ExitPolicy::audit_share) for more early answers that differ from MainNet's
/// than a limit allows, a certificate's bound, say. It may be asked after every row, for ever: over
/// rows within the limit it ever alarms with probability `delta` at most.
///
/// A row differs where an exit before `final` has answered it with another class than MainNet's.
/// Tested is H0: given the rows before it, no audited row has differed with a probability above m =
/// limit. The evidence against it is a mixture of bets that the rate rose to odds exp(t) times the
/// limit's at row j (x = 1 where a row differs, else 0; n audited rows),
///
///     E_n = sum_t w_t sum_j v_j prod_{i = j … n} exp(t x_i) / (1 - m + m exp(t)),
///
/// a supermartingale that starts at 1, so that it ever reaches 1 / delta with probability delta at
/// most (Ville; betting: Waudby-Smith and Ramdas, arXiv 2010.09686; sums over starts: Shin, Ramdas
/// and Rinaldo, arXiv 2203.03532). Because of the starts, a long quiet time does not hide a rise
/// that comes after it.
///
///     DriftGuard guard(certificate.disagreement_bound);
///     guard.observe(exit < final_exit, answer == mainnets);
///     if (guard.alarm()) thresholds = guard.raised(thresholds);
///
/// The state is about a kilobyte, whatever the number of rows. Nothing is drawn at random.
class SIDENET_API DriftGuard {
 public:
  struct Counts {
    std::int64_t rows = 0, differing = 0;  ///< audited rows, those of them that differ
    /// 0 of no rows.
    double value() const {
      return rows > 0 ? static_cast<double>(differing) / static_cast<double>(rows) : 0;
    }
  };
  /// With bounds of the rows' mean rate. Each holds at all times with probability 1 - level() or
  /// more, however the rate changes.
  struct Rate : Counts {
    double lower = 0, upper = 1;
  };

  /// All that a guard has come to, so that another process may go on with it. One that was made
  /// from it gives the same bits as the one that gave it, whatever rows come.
  struct State {
    /// That the rate rose to certain odds: what the rows so far say of it, or those up to the
    /// alarm.
    struct Bet {
      double evidence = 0;         ///< sum over the starts; infinite where a row differs at limit 0
      double best = 0;             ///< of the best start alone
      std::int64_t start = 1;      ///< that start: a row, from 1
      std::int64_t differing = 0;  ///< rows that differ since
      bool operator==(const Bet&) const = default;
    };
    double limit = 0, delta = 0.1;
    int round = 1;
    std::int64_t rows = 0, differing = 0;  ///< since the last start_over()
    std::int64_t alarm_row = 0;            ///< among `rows`, from 1; 0: no alarm
    std::vector<Bet> bets;                 ///< in the order of their odds
    bool operator==(const State&) const = default;
  };

  /// limit: rate in 0 … 1. delta: above 0, below 1. Throws Error where they are not.
  explicit DriftGuard(double limit, double delta = 0.1);
  /// Goes on where the guard stood that gave the state. Throws Error, "drift guard: state: FIELD:
  /// expected …, got …", where a field is out of its range, the number of bets is not this
  /// version's, or evidence and alarm contradict each other.
  explicit DriftGuard(const State& state);
  State state() const;

  /// One audited row: whether an exit before `final` answered it, and whether with MainNet's class.
  /// What `final` answers agrees with itself, whatever `agreed` says.
  void observe(bool early, bool agreed);

  /// Whether the evidence has ever reached 1 / level() since the last start_over().
  bool alarm() const { return alarm_; }
  /// E_n; after an alarm what it was then.
  double evidence() const { return evidence_; }

  /// Of all rows since the last start_over().
  Rate rate() const;
  /// At an alarm: of the rows since the rate most likely rose. A guess from the same rows, so
  /// rather too high. Without an alarm: of all rows.
  Counts recent() const;

  /// Begins anew, for thresholds that were changed after an alarm, say. In round k = 1, 2, …
  /// level() is delta times 6 / (pi k)^2, so that all rounds together alarm falsely with
  /// probability delta at most.
  void start_over();
  int round() const { return round_; }
  double level() const;
  double limit() const { return limit_; }
  double delta() const { return delta_; }

  /// Stricter thresholds by exit: log(t / (1 - t)) grows by a step, where thresholds below 0.1
  /// count as 0.1, and what comes out above 0.999 is shut (2). The step is the log-odds of recent()
  /// less those of the limit, at least 1/2 and at most 2: it divides the odds of an error at the
  /// threshold by how much they have grown, where confidences are calibrated.
  std::map<std::string, double> raised(const std::map<std::string, double>& thresholds) const;

 private:
  double evidence_after(std::int64_t rows) const;

  /// That the odds are exp(tilt) times the limit's.
  struct Bet : State::Bet {
    double weight = 0;
    double if_differing = 1, if_not = 1;  ///< factors of a row
  };

  double limit_, delta_;
  int round_ = 0;
  std::int64_t rows_ = 0, differing_ = 0, alarm_rows_ = 0;
  bool alarm_ = false;
  double evidence_ = 1;
  std::vector<Bet> bets_;
};

}  // namespace sidenet
