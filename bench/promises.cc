// Do certificates keep their promise, and confidences tell the truth? On real scores, resampled:
//
//   promises MODEL DATA [--traffic KIND] [--rows N] [--unlabelled N] [--draws N]
//                       [--epsilon E] [--delta D] [--fit KIND]
//                       [--risk RISK] [--advice] [--confidences THRESHOLD]
//
// DRAWS (300) times ROWS (2,000) rows are drawn with replacement from DATA, calibrated as `sidenet
// calibrate` does once the exits have been run (split, temperatures, candidates, tests), and judged
// on all of DATA, which is the distribution then: how many broke the promise, what the thresholds
// save there, what the best common threshold that keeps epsilon there saves, and the share of it
// that was had. --traffic: rows (each row of DATA as often as any other, default), atom:Q (one row,
// which an exit is surely wrong on, has a share Q), zipf:A:M (M rows of DATA, the k-th as often as
// 1 / k^A), equal:M (M rows).
// --unlabelled: so many more rows without labels a draw. --advice: of draws that certify nothing,
// how many would with as many fresh rows as were advised. --confidences: instead, ECE of a half
// that did not fit, means of 6 seeds x 2 halves; rows reach an exit where every exit before it
// stays below THRESHOLD.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>

#include "exit_calibrations.h"
#include "failure_metrics.h"
#include "operating_point.h"
#include "promise_populations.h"
#include "random.h"
#include "sidenet/sidenet.h"
#include "threshold_search.h"

namespace {

using namespace sidenet;
using Rows = std::vector<std::uint32_t>;

struct Options {
  std::string traffic = "rows", risk;
  std::size_t rows = 2000, unlabelled = 0;
  int draws = 300;
  double confidences = 0;
  bool advice = false;
  CalibrateOptions calibrate;
};

/// Some rows of `measured`, as a population.
testing::Population some_rows(const MeasuredExits& measured, std::size_t count,
                              std::vector<double> weight) {
  Rows order(measured.labels.size());
  std::iota(order.begin(), order.end(), 0u);
  Random random(7);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  order.resize(std::min(count, order.size()));
  weight.resize(order.size());
  return {take_rows(measured, order), std::move(weight)};
}

testing::Population population_of(const MeasuredExits& measured, const ExitScores& scores,
                                  const std::string& traffic) {
  const std::size_t rows = measured.labels.size();
  const auto number = [&](std::size_t from) { return std::atof(traffic.c_str() + from); };
  if (traffic == "rows") return {measured, testing::equal_weights(rows)};
  if (traffic.starts_with("atom:"))
    return {measured, testing::atom_weights(rows, testing::worst_row(scores), number(5))};
  if (traffic.starts_with("zipf:")) {
    const auto count = std::min(rows, static_cast<std::size_t>(number(traffic.find(':', 5) + 1)));
    return some_rows(measured, count, testing::zipf_weights(count, number(5), 3));
  }
  if (traffic.starts_with("equal:")) {
    const auto count = std::min(rows, static_cast<std::size_t>(number(6)));
    return some_rows(measured, count, testing::equal_weights(count));
  }
  throw Error("--traffic: expected rows, atom:Q, zipf:A:M or equal:M, got " + traffic);
}

void try_promises(const Model& model, const testing::Population& population, Options options) {
  const ExitScores scores = scores_of(population.rows, calibrations_of(data_of(model)));
  const double temperatures_of_all =
      [&] {  // what the best common threshold saves, confidences calibrated on everything
        const std::vector<double> open(scores.exits(), 0.95);
        const ExitScores calibrated =
            scores_of(population.rows,
                      fit_calibrations(population.rows.logits, population.rows.labels, open));
        return testing::most_saved(population, calibrated, threshold_grid(), options.calibrate.risk,
                                   *options.calibrate.epsilon);
      }();
  const auto start = std::chrono::steady_clock::now();
  const testing::Outcome outcome = testing::try_promises(
      model, population, options.rows, options.unlabelled, options.draws, options.calibrate);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  const double draws = options.draws, broken = outcome.broken / draws,
               delta = options.calibrate.delta;
  std::printf(
      "%-12s %-13s rows %zu + %zu, epsilon %g, delta %g: certified %.1f %%, broken %.1f %% "
      "(allowed %.1f), saved "
      "%.1f %%, best %.1f %%, share %.3f; %.2f s a draw\n",
      options.traffic.c_str(), name_of(options.calibrate.risk), options.rows, options.unlabelled,
      *options.calibrate.epsilon, delta, 100 * outcome.certified / draws, 100 * broken,
      100 * (delta + 2 * std::sqrt(delta * (1 - delta) / draws)), 100 * outcome.saved,
      100 * temperatures_of_all, outcome.saved / temperatures_of_all, spent.count() / draws);
}

void try_advice(const Model& model, const testing::Population& population, Options options) {
  int refused = 0, without = 0, certified = 0;
  double advised = 0;
  bool above = true;
  for (int draw = 0; draw < options.draws; ++draw) {
    Random random(11, static_cast<std::uint64_t>(draw));
    options.calibrate.seed = static_cast<std::uint64_t>(draw) + 1;
    const auto result = calibrate_measured(model, population.draw(options.rows, random), nullptr,
                                           options.calibrate);
    if (result.certificate) continue;
    ++refused;
    if (!result.rows_needed || *result.rows_needed > 400'000) {
      ++without;
      continue;
    }
    above = above && *result.rows_needed > static_cast<std::int64_t>(options.rows);
    advised += static_cast<double>(*result.rows_needed);
    const auto again = calibrate_measured(
        model, population.draw(static_cast<std::size_t>(*result.rows_needed), random), nullptr,
        options.calibrate);
    certified += again.certificate ? 1 : 0;
  }
  const int told = refused - without;
  std::printf(
      "%-12s %-13s rows %zu, epsilon %g, delta %g: %d of %d refused, %d without advice; advised "
      "%.0f on average, all "
      "above: %s; of %d, %.1f %% certify\n",
      options.traffic.c_str(), name_of(options.calibrate.risk), options.rows,
      *options.calibrate.epsilon, options.calibrate.delta, refused, options.draws, without,
      told > 0 ? advised / told : 0.0, above ? "yes" : "NO", told,
      told > 0 ? 100.0 * certified / told : 0.0);
}

struct Ece {
  double rows = 0, before = 0, after = 0, floor = 0;
  void add(const ExitScores& old, const ExitScores& now, std::size_t exit, const Rows& at) {
    std::vector<float> confidence, raw;
    std::vector<std::uint8_t> right;
    for (const std::uint32_t row : at) {
      raw.push_back(old.confidence[exit][row]);
      confidence.push_back(now.confidence[exit][row]);
      right.push_back(now.prediction[exit][row] == now.labels[row] ? 1 : 0);
    }
    rows += static_cast<double>(at.size());
    if (at.empty()) return;
    before += top_label_scores(raw, right).ece;
    after += top_label_scores(confidence, right).ece;
    floor += ece_floor(confidence, 30, 1).mean;
  }
};

void try_confidences(const MeasuredExits& measured, double threshold) {
  const std::size_t exits = measured.names.size();
  std::vector<Ece> all(exits), reached(exits);
  const std::vector<double> thresholds(exits, threshold);
  constexpr int seeds = 6;
  for (int seed = 1; seed <= seeds; ++seed) {
    Rows order(measured.labels.size());
    std::iota(order.begin(), order.end(), 0u);
    Random random(static_cast<std::uint64_t>(seed));
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
    Rows halves[2] = {{order.begin(), middle}, {middle, order.end()}};
    for (int side = 0; side < 2; ++side) {
      const MeasuredExits fitting = take_rows(measured, halves[side]),
                          testing = take_rows(measured, halves[1 - side]);
      const auto fit = [&](const std::vector<double>& at) {
        return fit_calibrations(fitting.logits, fitting.labels, at);
      };
      const std::vector<Calibration> of_all = fit(std::vector<double>(exits, kShut)),
                                     of_reaching = fit(thresholds);
      const ExitScores old = scores_of(testing, std::vector<Calibration>(exits)),
                       everywhere = scores_of(testing, of_all),
                       now = scores_of(testing, of_reaching);
      const auto reach = rows_that_reach(testing.logits, of_reaching, thresholds);
      for (std::size_t exit = 0; exit < exits; ++exit) {
        all[exit].add(old, everywhere, exit, all_rows(now));
        reached[exit].add(old, now, exit, reach[exit]);
      }
    }
  }
  std::printf(
      "\nECE on the half that did not fit: at temperature 1, calibrated, floor\n%-20s %8s %26s %8s "
      "%26s\n",
      "exit", "rows", "all rows", "reach", "rows that reach");
  for (std::size_t exit = 0; exit < exits; ++exit) {
    const double n = 2 * seeds;
    const Ece &a = all[exit], &r = reached[exit];
    std::printf("%-20s %8.0f %8.4f %8.4f %8.4f %8.0f %8.4f %8.4f %8.4f\n",
                measured.names[exit].c_str(), a.rows / n, a.before / n, a.after / n, a.floor / n,
                r.rows / n, r.before / n, r.after / n, r.floor / n);
  }
}

Options options_of(int argc, char** argv) {
  Options options;
  options.calibrate.epsilon = 0.01;
  for (int i = 3; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--advice") {
      options.advice = true;
      continue;
    }
    if (i + 1 >= argc) throw Error(name + ": expected a value");
    const std::string value = argv[++i];
    if (name == "--traffic") {
      options.traffic = value;
    } else if (name == "--rows") {
      options.rows = std::stoul(value);
    } else if (name == "--unlabelled") {
      options.unlabelled = std::stoul(value);
    } else if (name == "--draws") {
      options.draws = std::stoi(value);
    } else if (name == "--epsilon") {
      options.calibrate.epsilon = std::stod(value);
    } else if (name == "--delta") {
      options.calibrate.delta = std::stod(value);
    } else if (name == "--fit") {
      options.calibrate.fit = value_named<ConfidenceFit>("--fit", value);
    } else if (name == "--risk") {
      options.risk = value;
    } else if (name == "--confidences") {
      options.confidences = std::stod(value);
    } else {
      throw Error("unknown option " + name);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(
        stderr,
        "usage: %s MODEL DATA [--traffic KIND] [--rows N] [--draws N] ... (see the source)\n",
        argv[0]);
    return 2;
  }
  try {
    Options options = options_of(argc, argv);
    const Model model = Model::load(argv[1]);
    const auto data = Dataset::open(argv[2]);
    const MeasuredExits measured = measure_exits(model, *data, {.execution = {.batch = 32}});
    if (options.confidences > 0) {
      try_confidences(measured, options.confidences);
      return 0;
    }
    const auto population = population_of(
        measured, scores_of(measured, calibrations_of(data_of(model))), options.traffic);
    for (const Risk risk : {Risk::drop, Risk::disagreement, Risk::exit_error}) {
      if (!options.risk.empty() && options.risk != name_of(risk)) continue;
      options.calibrate.risk = risk;
      if (options.unlabelled > 0 && risk == Risk::exit_error) continue;
      (options.advice ? try_advice : try_promises)(model, population, options);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
